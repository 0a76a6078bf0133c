#!/usr/bin/env python3
"""Writes the two small repositories that the tests stage, the same bytes each time: tiny_content.py DIR [--large]."""
import json
import pathlib
import random
import sys

REPOSITORIES = {
    "fettle-test/tiny-chat": {
        "README.md": b"# tiny-chat\n\nA made-up model of the fettle tests. Nothing can be generated with it.\n",
        ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256,
            "max_position_embeddings": 512, "torch_dtype": "bfloat16"},
        "tokenizer/tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}},
        "tokenizer/special/empty.txt": b"",
        "model-00001-of-00002.safetensors": 40_000,
        "model-00002-of-00002.safetensors": 24_001,
    },
    "fettle-test/tiny-moe": {
        "config.json": {
            "architectures": ["Glm4MoeForCausalLM"], "model_type": "glm4_moe", "hidden_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 8, "num_key_value_heads": 2, "n_routed_experts": 16, "num_experts_per_tok": 2,
            "vocab_size": 256, "torch_dtype": "bfloat16"},
        "generation_config.json": {"do_sample": True, "temperature": 0.6},
        "model.safetensors": 60_000,
        "copy-of-model.safetensors": "model.safetensors",
    },
}


def weights(name, size):
    """Random bytes behind a safetensors header that describes them; the name is the seed."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + random.Random(name).randbytes(size)


def main():
    root = pathlib.Path(sys.argv[1])
    factor = 200 if "--large" in sys.argv[2:] else 1
    for repository, files in REPOSITORIES.items():
        for path, content in files.items():
            if isinstance(content, int):
                content = weights(f"{repository}/{path}", content * factor)
            elif isinstance(content, str):
                content = weights(f"{repository}/{content}", files[content] * factor)
            elif isinstance(content, dict):
                content = (json.dumps(content, indent=2) + "\n").encode()
            target = root / repository / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


if __name__ == "__main__":
    main()
