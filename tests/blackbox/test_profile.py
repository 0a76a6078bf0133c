"""`fettle profile check`: every mistake at once, with its place, and exit code 78."""

import os

GOOD = """schema: 1
kind: configuration
profile: mi300x
shelves: []
"""


def check(node, text, code=78):
    node.write("/tmp/it.yaml", text)
    return node.fettle("profile", "check", "/tmp/it.yaml", code=code)


def test_good(node):
    """profile: a right configuration has no complaints"""
    check(node, GOOD, code=0)


def test_all_at_once(node):
    """profile: all mistakes come at once, each with line and column"""
    said = check(node, "schema: 1\nkind: configuration\nprofile: [a]\nshelvs: []\nprofile: x\n")
    assert "it.yaml:3:10" in said, said
    assert "it.yaml:4:1" in said and "shelvs" in said and "shelves" in said, said
    assert "it.yaml:5:1" in said, said


def test_aliases(node):
    """profile: anchors, aliases and bombs are refused without being followed"""
    bomb = "a: &a [1,1]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))
    assert ":1:" in check(node, bomb)
    assert "it.yaml:1" in check(node, "a: &a [*a]\n")


def test_size_and_depth(node):
    """profile: too large and too deep is refused"""
    assert "larger than" in check(node, "a: " + "x" * 10_000_000 + "\n")
    check(node, "a: " + "[" * 100_000 + "\n")


def test_not_a_file(node):
    """profile: a directory, a FIFO and a missing file are named, and nothing blocks"""
    node.path("/tmp").mkdir(exist_ok=True)
    os.mkfifo(node.path("/tmp/fifo"))
    node.path("/tmp/dir.yaml").mkdir()
    for name in ("/tmp/fifo", "/tmp/dir.yaml", "/tmp/none.yaml"):
        assert name in node.fettle("profile", "check", name, code=78)


def test_json(node):
    """profile: complaints for machines have file, line and column"""
    node.write("/tmp/it.yaml", GOOD + "extra: 1\n")
    answer = node.fettle_json("profile", "check", "/tmp/it.yaml", code=78)
    complaint = answer["complaints"][0]
    assert (complaint["line"], complaint["column"]) == (5, 1), answer


def test_shipped(node):
    """profile: everything that is shipped is right"""
    files = [str(file.relative_to(node.root)) for file in node.path("/usr/share/fettle/profiles").rglob("*.yaml")]
    assert len(files) >= 5, files
    node.fettle("profile", "check", *["/" + file for file in files], code=0)
