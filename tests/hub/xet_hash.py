"""The hashes of the xet protocol: BLAKE3 in plain Python, and the tree over chunks.

BLAKE3 works on many 1 KiB pieces at once: one long integer holds the same 32-bit word of all of them, 64 bits apart, so
that one addition of Python is an addition for each piece. Some 10 MB/s; enough for files of tests.
"""
import array

START = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
PIECE_START, PIECE_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16
PIECE = 1024
MIXED = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13),
         (3, 4, 9, 14))

# The xet protocol's keys: of the content of a chunk, and of an inner node of the tree.
CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")


class Lanes:
    """`count` numbers of 32 bits in one long integer."""

    def __init__(self, count):
        self.count = count
        self.ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * count, "little")
        self.low = self.ones * 0xFFFFFFFF

    def all(self, number):
        return self.ones * number

    def join(self, numbers):
        return int.from_bytes(array.array("Q", numbers).tobytes(), "little")

    def split(self, lanes):
        return array.array("Q", lanes.to_bytes(8 * self.count, "little")).tolist()


def compress(lanes, value, words, counter, length, flags):
    """One block of each lane: `value` is 8 lanes, `words` are 16, `counter` is one; gives 8 lanes."""
    low = lanes.low
    state = [*value, *(lanes.all(word) for word in START[:4]), counter, 0, lanes.all(length), lanes.all(flags)]
    words = list(words)
    for turn in range(7):
        if turn:
            words = [words[place] for place in ORDER]
        for number, (a, b, c, d) in enumerate(MIXED):
            va, vb, vc, vd = state[a], state[b], state[c], state[d]
            va = (va + vb + words[2 * number]) & low
            vd ^= va
            vd = (vd >> 16 | vd << 16) & low
            vc = (vc + vd) & low
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & low
            va = (va + vb + words[2 * number + 1]) & low
            vd ^= va
            vd = (vd >> 8 | vd << 24) & low
            vc = (vc + vd) & low
            vb ^= vc
            vb = (vb >> 7 | vb << 25) & low
            state[a], state[b], state[c], state[d] = va, vb, vc, vd
    return [state[place] ^ state[place + 8] for place in range(8)]


def pieces_of(content, first, count, key, flags, last):
    """The values of `count` pieces that lie in `content` one after another; all but a lone one are full."""
    lanes = Lanes(count)
    size = len(content) // count
    value = [lanes.all(word) for word in key]
    counter = lanes.join(range(first, first + count))
    blocks = max(1, -(-size // 64))
    numbers = array.array("I", content + bytes(blocks * 64 * count - len(content)))
    for block in range(blocks):
        words = [lanes.join(numbers[16 * block + word::16 * blocks].tolist()) for word in range(16)]
        more = (PIECE_START if block == 0 else 0) | (PIECE_END | last if block == blocks - 1 else 0)
        value = compress(lanes, value, words, counter, min(64, size - 64 * block), flags | more)
    return list(zip(*(lanes.split(word) for word in value)))


def blake3(content, key=None):
    """The 32 bytes of BLAKE3, keyed when there is a key of 32 bytes."""
    flags = KEYED if key else 0
    start = tuple(array.array("I", key)) if key else START
    full = (len(content) - 1) // PIECE if content else 0  # what is left over is one piece of its own
    nodes = pieces_of(content[:full * PIECE], 0, full, start, flags, 0) if full else []
    nodes += pieces_of(content[full * PIECE:], full, 1, start, flags, 0 if full else ROOT)
    while len(nodes) > 1:
        pairs = len(nodes) // 2
        lanes = Lanes(pairs)
        words = [lanes.join([nodes[2 * pair + word // 8][word % 8] for pair in range(pairs)]) for word in range(16)]
        root = ROOT if len(nodes) == 2 else 0
        value = compress(lanes, [lanes.all(word) for word in start], words, 0, 64, flags | PARENT | root)
        nodes = list(zip(*(lanes.split(word) for word in value))) + nodes[2 * pairs:]
    return array.array("I", nodes[0]).tobytes()


def text_of(digest):
    """How the protocol writes a hash: four numbers of 64 bits, the lowest byte first."""
    return "".join(digest[at:at + 8][::-1].hex() for at in range(0, 32, 8))


def tree_hash(nodes):
    """The root over [(digest, length)]: groups of two to nine, cut where a hash is divisible by four."""
    while len(nodes) > 1:
        above, group = [], []
        for number, node in enumerate(nodes):
            group.append(node)
            is_cut = len(group) >= 3 and node[0][24] % 4 == 0
            if is_cut or len(group) == 9 or number == len(nodes) - 1:
                text = "".join(f"{text_of(digest)} : {length}\n" for digest, length in group)
                above.append((blake3(text.encode(), NODE_KEY), sum(length for _, length in group)))
                group = []
        nodes = above
    return nodes[0][0] if nodes else bytes(32)


def file_hash(chunks):
    return blake3(tree_hash(chunks), bytes(32)) if chunks else bytes(32)
