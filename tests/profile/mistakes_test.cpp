// Every mistake with its exact place and words.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "profile/load.h"

using namespace fettle;
using namespace fettle::profile;

namespace {

const std::string configuration = "schema: 1\nkind: configuration\nprofile: mi300x\n";
const std::string profile_head = "schema: 1\nkind: profile\n";
const std::string cache = "cache: {path: /srv/fettle}\n";
const std::string shelf = "schema: 1\nkind: shelf\n";
const std::string commit = "0123456789abcdef0123456789abcdef01234567";

std::string said(const std::string& text) {
  std::string all;
  for (const Complaint& each : check_text(text, "it.yaml")) {
    const std::string line = to_text(each);
    all += (all.empty() ? "" : "\n") + line.substr(std::string("it.yaml").size());
  }
  return all;
}

struct Row {
  std::string text;
  std::string complaints;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(said(row.text) == row.complaints);
  }
}

std::string repository(const std::string& fields) {
  return shelf + "repositories:\n  - {" + fields + "}\n";
}

}  // namespace

TEST_CASE("profile: right files have no complaints") {
  check_rows({
      {configuration, ""},
      {configuration + "shelves: [a, b-2.c_d]\ncache: {path: /data/cache, reserve: 1.5 TB}\n", ""},
      {"# comment\n---\n" + configuration + "...\n", ""},
      {"\"schema\": 1\n'kind': \"configuration\"\nprofile: \"mi300x\"\r\n", ""},
      {profile_head, ""},
      {profile_head + "why: größer, später, 速い\n", ""},
      {profile_head + cache +
           "caches:\n  - {name: hf, env: [HF_HOME], mode: \"2775\", owner: a, group: b, why: c}\n",
       ""},
      {profile_head + "environment:\n  - {name: A, value: \"\", scope: host, why: b}\n"
                      "  - {name: A, value: b, scope: container, why: b}\n",
       ""},
      {repository("id: a/b, revision: \"" + commit + "\""), ""},
      {repository(
           "id: a/b, revision: main, unpinned: true, include: [\"*.json\"], exclude: [\"original/*\"]"),
       ""},
  });
}

TEST_CASE("profile: what is not ours is said as such") {
  check_rows({
      {"", ":1:1  the file is empty  a map with the keys schema and kind"},
      {"# nothing\n", ":1:1  the file is empty  a map with the keys schema and kind"},
      {"[]\n", ":1:1  the file must be a map, not a list"},
      {"hello\n", ":1:1  the file must be a map, not a text"},
      {"---\n", ":2:1  the file must be a map, not nothing"},
      {"kind: profile\n", ":1:1  the key 'schema' is missing here"},
      {"schema: 1\n", ":1:1  the key 'kind' is missing here"},
      {"schema: 2\nkind: profile\n", ":1:9  'schema' must be 1  this fettle knows no other"},
      {"schema: \"1\"\nkind: profile\n", ":1:9  'schema' must be 1  this fettle knows no other"},
      {"schema: 1\nkind: wish\n",
       ":2:7  'kind' cannot be 'wish'  one of: configuration, profile, shelf, images, compatibility, gpus, "
       "kernel-log, models, "
       "model-rules"},
      {"schema: 1\nkind: [profile]\n", ":2:7  'kind' must be a text, not a list"},
  });
}

TEST_CASE("profile: YAML that could mean something else is refused") {
  check_rows({
      {configuration + "shelves: &a [b]\n",
       ":4:10  an anchor (&) is not allowed here  write values out where they are needed"},
      {configuration + "shelves: &a [*a]\n",
       ":4:10  an anchor (&) is not allowed here  write values out where they are needed\n"
       ":4:14  an alias (*) is not allowed here  write the value out"},
      {"schema: 1\nkind: configuration\nprofile: !!binary aGk=\n",
       ":3:10  a tag (tag:yaml.org,2002:binary) is not allowed here  the key decides what a value is"},
      {configuration + "shelves: !mine [a]\n",
       ":4:10  a tag (!mine) is not allowed here  the key decides what a value is"},
      {configuration + "<<: {shelves: []}\n",
       ":4:1  a merge key (<<) is not allowed here  write the keys out"},
      {configuration + "? [a]\n: b\n", ":4:3  a key must be a word  one of those that are known here"},
      {configuration + "---\n" + configuration, ":4:1  a second document begins here  one document a file"},
      {configuration + "shelves: []\nshelves: []\n",
       ":5:1  the key 'shelves' stands here a second time  first in line 4: keep one of them"},
      {configuration + "a: \xff\n", ":4:4  byte 0xff is not UTF-8  printable UTF-8"},
      {configuration + "a: \xc0\xaf\n", ":4:4  byte 0xc0 is not UTF-8  printable UTF-8"},
      {configuration + "a: \xed\xa0\x80\n", ":4:4  byte 0xed is not UTF-8  printable UTF-8"},
      {configuration + std::string("a: \0\n", 5), ":4:4  control character U+0000  printable UTF-8"},
      {configuration + "a: b\rc: d\n", ":4:5  control character U+000d  printable UTF-8"},
      {configuration + "a: b # \x1b[2J\n", ":4:8  control character U+001b  printable UTF-8"},
      {configuration + "a: \xe2\x80\xae\n", ":4:4  control character U+202e  printable UTF-8"},
      {profile_head + "why: \"a\\nb\"\n",
       ":3:6  'why' contains a control character U+000a  one line of printable text"},
      {profile_head + "why: \"a\\eb\"\n",
       ":3:6  'why' contains a control character U+001b  one line of printable text"},
  });
  CHECK(said(configuration + "shelves: [a\n").find("  this is not YAML: ") != std::string::npos);
  CHECK(said(configuration + "\tshelves: [a]\n").find("  this is not YAML: ") != std::string::npos);
  CHECK(said(configuration + "shelves: [*b]\n").find("  this is not YAML: ") != std::string::npos);
}

TEST_CASE("profile: a key nobody knows is answered with those that are known (F53)") {
  check_rows({
      {configuration + "shelvs: []\n",
       ":4:1  unknown key 'shelvs'  known here: schema, kind, profile, shelves, images, cache, price, "
       "engines, "
       "consumers, "
       "places"},
      {profile_head + "gpus: {model: MI300X, count: 8, cuont: 9}\n",
       ":3:33  unknown key 'cuont'  known here: model, count, compute_partition, memory_partition, memory"},
      {"schema: 1\nkind: profile\nname: it\ncache:\n  drives:\n    models: [m]\n    count: 1\n"
       "    on_partial_loss: erase\n",
       ":8:22  'on_partial_loss' cannot be 'erase'  one of: report, rebuild"},
      {profile_head + "gpus: {model: MI300X}\n", ":3:7  the key 'count' is missing here"},
      {configuration + "\"a\\x07b\": 1\n",
       ":4:1  unknown key 'a\\x07b'  known here: schema, kind, profile, shelves, images, cache, price, "
       "engines, "
       "consumers, "
       "places"},
      {configuration + std::string(200, 'x') + ": 1\n",
       ":4:1  unknown key '" + std::string(60, 'x') +
           "…'  known here: schema, kind, profile, shelves, images, cache, price, engines, consumers, "
           "places"},
  });
}

TEST_CASE("profile: a value of another type is not guessed at (F53)") {
  const auto gpus = [](const std::string& count) {
    return profile_head + "gpus: {model: a, count: " + count + "}\n";
  };
  const std::string number = "  a decimal number from 1 to 64";
  const auto why = [](const std::string& value) { return profile_head + "why: " + value + "\n"; };
  const auto quote = [](const std::string& value) {
    return ":3:6  'why' must be a text, not " + value + "  in quotes: \"" + value + "\"";
  };
  check_rows({
      {gpus("010"), ":3:25  'count' cannot be 010" + number + ", digits only"},
      {gpus("0x10"), ":3:25  'count' cannot be 0x10" + number + ", digits only"},
      {gpus("1e3"), ":3:25  'count' cannot be 1e3" + number + ", digits only"},
      {gpus("8.0"), ":3:25  'count' cannot be 8.0" + number + ", digits only"},
      {gpus("+8"), ":3:25  'count' cannot be +8" + number + ", digits only"},
      {gpus("yes"), ":3:25  'count' cannot be yes" + number + ", digits only"},
      {gpus("0"), ":3:25  'count' cannot be 0" + number},
      {gpus("65"), ":3:25  'count' cannot be 65" + number},
      {gpus("-8"), ":3:25  'count' cannot be -8" + number},
      {gpus("99999999999999999999"), ":3:25  'count' cannot be 99999999999999999999" + number},
      {gpus("\"8\""), ":3:25  'count' must be a number, not a text in quotes" + number},
      {gpus("[8]"), ":3:25  'count' must be a number, not a list"},
      {gpus(""), ":3:25  'count' must be a number, not nothing"},
      {why("[a]"), ":3:6  'why' must be a text, not a list"},
      {why("yes"), quote("yes")},
      {why("NO"), quote("NO")},
      {why("24.10"), quote("24.10")},
      {why("1e3"), quote("1e3")},
      {why("0x1f"), quote("0x1f")},
      {why("~"), ":3:6  'why' must be a text, not nothing"},
      {why(".inf"), quote(".inf")},
      {why("24.04.3"), ""},
      {why("\"yes\""), ""},
      {why("\"\""), ":3:6  'why' cannot be ''  a text of 1 to 1000 bytes"},
      {profile_head + "gpus: 8\n", ":3:7  'gpus' must be a map, not a text"},
      {profile_head + "caches: {}\n", ":3:9  'caches' must be a list, not a map"},
      {profile_head + cache + "caches: [hf]\n", ":4:10  an entry of 'caches' must be a map, not a text"},
      {repository("id: a/b, revision: main, unpinned: yes"),
       ":4:25  'revision' must be a commit, not 'main'  40 hex digits, or 'unpinned: true' beside it when a "
       "moving branch is meant\n"
       ":4:41  'unpinned' cannot be yes  true or false"},
      {configuration + "cache: {path: /srv/fettle, reserve: 100}\n",
       ":4:37  'reserve' cannot be '100'  a number and a unit: 512 MiB, 1.5 TB, 100 GiB"},
      {configuration + "cache: {path: /srv/fettle, reserve: -1 GiB}\n",
       ":4:37  'reserve' cannot be '-1 GiB'  a number and a unit: 512 MiB, 1.5 TB, 100 GiB"},
      {configuration + "cache: {path: /srv/fettle, wait_seconds: 901}\n",
       ":4:42  'wait_seconds' cannot be 901  a decimal number from 0 to 900"},
  });
}

TEST_CASE("profile: a configuration names what it wants") {
  const std::string name =
      "  a name of a-z, 0-9, '.', '_' and '-', at most 64, beginning with a letter or digit";
  check_rows({
      {"schema: 1\nkind: configuration\n", ":1:1  the key 'profile' is missing here"},
      {"schema: 1\nkind: configuration\nprofile: ../../etc/shadow\n",
       ":3:10  'profile' cannot be '../../etc/shadow'" + name},
      {configuration + "shelves: [Big, .hidden, a/b]\n",
       ":4:11  an entry of 'shelves' cannot be 'Big'" + name +
           "\n:4:16  an entry of 'shelves' cannot be '.hidden'" + name +
           "\n:4:25  an entry of 'shelves' cannot be 'a/b'" + name},
      {configuration + "shelves: [a, b, a]\n",
       ":4:17  the shelf 'a' stands here a second time  first in line 4: keep one of them"},
  });
}

TEST_CASE("profile: the cache lies where it can live") {
  const auto path = [](const std::string& value) { return profile_head + "cache: {path: " + value + "}\n"; };
  const auto on_drives = [](const std::string& value) {
    return profile_head + "cache: {drives: {models: [a], count: 8}, path: " + value + "}\n";
  };
  const std::string own = "  a place such as /srv/fettle, /data or /mnt/cache, a directory of its own";
  const std::string rather =
      "  a place such as /srv/fettle, bind-mounted there when it is somebody else's mount";
  const std::string absolute = "  an absolute path of letters, digits, '.', '_', '+' and '-', without '..'";
  check_rows({
      {path("srv/fettle"), ":3:15  'path' cannot be 'srv/fettle'" + absolute},
      {path("/srv/../etc"), ":3:15  'path' cannot be '/srv/../etc'" + absolute},
      {path("/"), ":3:15  'path' cannot be '/'" + absolute},
      {path("/srv/fettle/"), ":3:15  'path' cannot be '/srv/fettle/'" + absolute},
      {path("/srv/my cache"), ":3:15  'path' cannot be '/srv/my cache'" + absolute},
      {path("/mnt"),
       ":3:15  the cache cannot be at '/mnt': cloud-init mounts the resource disk on /mnt and hides what "
       "lies there" +
           rather},
      {path("/mnt/cache"),
       ":3:15  the cache cannot be at '/mnt/cache': cloud-init mounts the resource disk on /mnt and hides "
       "what lies there" +
           rather},
      {path("/mntx"), ""},
      {path("/tmp/a"),
       ":3:15  the cache cannot be at '/tmp/a': /tmp is emptied, and services see one of their own" + rather},
      {path("/run/a"), ":3:15  the cache cannot be at '/run/a': /run is memory" + rather},
      {path("/home/a"), ":3:15  the cache cannot be at '/home/a': services cannot see /home" + rather},
      {configuration + "cache: {path: /home/a}\n",
       ":4:15  the cache cannot be at '/home/a': services cannot see /home" + rather},
      {profile_head + "cache: {reserve: 1 GiB}\n",
       ":3:8  neither 'path' nor 'drives' says where the cache is"},
      {path("/var/lib/fettle/x"),
       ":3:15  the cache cannot be at '/var/lib/fettle/x': /var/lib/fettle has the records that tell which "
       "drives are the cache" +
           rather},
      {on_drives("/data"), ""},
      {on_drives("/mnt/nvme"), ""},
      {on_drives("/var/lib/models"), ""},
      {on_drives("data"), ":3:48  'path' cannot be 'data'" + absolute},
      {on_drives("/usr/cache"),
       ":3:48  the cache cannot be at '/usr/cache': /usr belongs to the system" + own},
      {on_drives("/etc"), ":3:48  the cache cannot be at '/etc': /etc belongs to the system" + own},
      {on_drives("/home"), ":3:48  the cache cannot be at '/home': services cannot see /home" + own},
      {on_drives("/mnt"),
       ":3:48  the cache cannot be at '/mnt': a mount there would hide what others keep in it" + own},
      {on_drives("/var"),
       ":3:48  the cache cannot be at '/var': a mount there would hide what others keep in it" + own},
      {on_drives("/srv"),
       ":3:48  the cache cannot be at '/srv': a mount there would hide what others keep in it" + own},
      {profile_head + "cache: {drives: {models: [a], count: 8}}\n", ""},
      {profile_head + "cache: {drives: {models: [], count: 0}}\n",
       ":3:26  'models' is empty  at least one entry\n:3:37  'count' cannot be 0  a decimal number from 1 to "
       "64"},
      {profile_head + "cache: {drives: {}}\n",
       ":3:17  the key 'models' is missing here\n:3:17  the key 'count' is missing here"},
      {profile_head + "caches:\n  - {name: a, why: b}\n",
       ":4:3  'caches' needs a 'cache' that says where they are"},
      {profile_head + "environment:\n  - {name: A, value: \"{cache}/a\", why: b}\n",
       ":4:22  {cache} needs a 'cache' that says where it is"},
  });
}

TEST_CASE("profile: cache directories and variables do not contradict each other") {
  const auto with = [](const std::string& fields) {
    return profile_head + cache + "caches:\n  - {" + fields + "}\n";
  };
  const auto mode = [&](const std::string& value) { return with("name: a, why: b, mode: " + value); };
  const std::string octal = "  such as \"2775\" or \"0750\"";
  const auto variables = [](const std::string& first, const std::string& second) {
    return profile_head + "environment:\n  - {name: " + first + ", value: a, why: b}\n  - {name: " + second +
           ", value: a, why: b}\n";
  };
  check_rows({
      {mode("0755"), ":5:29  'mode' must be an octal number in quotes" + octal},
      {mode("\"0789\""), ":5:29  'mode' must be an octal number in quotes" + octal},
      {mode("\"rwx\""), ":5:29  'mode' must be an octal number in quotes" + octal},
      {mode("\"0777\""),
       ":5:29  'mode' lets everybody write  no write bit for others: caches hold code that root's containers "
       "run"},
      {mode("\"1777\""),
       ":5:29  'mode' lets everybody write  no write bit for others: caches hold code that root's containers "
       "run"},
      {mode("\"775\""), ""},
      {with("name: a"), ":5:5  the key 'why' is missing here"},
      {with("name: \"..\", why: b"),
       ":5:12  'name' cannot be '..'  a name of a-z, 0-9, '.', '_' and '-', at most 64, beginning with a "
       "letter or digit"},
      {with("name: a, why: b, owner: \"0\""),
       ":5:30  'owner' cannot be '0'  a name of a-z, 0-9, '_' and '-', beginning with a letter"},
      {with("name: a, why: b, env: [A, A]"),
       ":5:32  the variable 'A' stands here a second time  first in line 5: keep one of them"},
      {with("name: a, why: b}\n  - {name: a, why: c"),
       ":6:12  the cache directory 'a' stands here a second time  first in line 5: keep one of them"},
      {variables("A_1", "2A"),
       ":5:12  'name' cannot be '2A'  a name of A-Z, 0-9 and '_', not beginning with a digit"},
      {variables("_A", "a"),
       ":5:12  'name' cannot be 'a'  a name of A-Z, 0-9 and '_', not beginning with a digit"},
      {variables("A", "A"),
       ":5:12  the variable 'A' stands here a second time  first in line 4: keep one of them"},
      {variables("A", "HF_TOKEN"),
       ":5:12  'HF_TOKEN' is a secret and cannot stand here  a token goes into /etc/fettle/credentials"},
      {variables("A", "B") + "not_set:\n  - {name: A, why: b}\n",
       ":7:12  the variable 'A' stands here a second time  first in line 4: keep one of them"},
      {profile_head + "environment:\n  - {name: A, value: b, why: c, scope: world}\n",
       ":4:40  'scope' cannot be 'world'  one of: all, host, container"},
      {profile_head + "environment:\n  - {name: A, value: 1, why: c}\n",
       ":4:22  'value' must be a text, not 1  in quotes: \"1\""},
      {profile_head + "name: other\n",
       ":3:7  'name' cannot be 'other'  the name of the file, 'it'; it may be left out"},
  });
}

TEST_CASE("profile: a shelf says exactly which bytes it means") {
  const std::string pattern = "  a pattern of file names in the repository, such as *.safetensors";
  const std::string pinned = "id: a/b, revision: \"" + commit + "\"";
  const std::string hub = "  OWNER/NAME as the hub writes it";
  const std::string list = "repositories: [{" + pinned + "}]\n";
  check_rows({
      {shelf, ":1:1  the key 'repositories' is missing here"},
      {shelf + "repositories: []\n", ":3:15  'repositories' is empty  at least one entry"},
      {repository("id: a/b, revision: main"),
       ":4:25  'revision' must be a commit, not 'main'  40 hex digits, or 'unpinned: true' beside it when a "
       "moving branch is meant"},
      {repository("id: a/b, revision: \"" + commit + "\", unpinned: true"),
       ":4:79  'unpinned' contradicts the commit in 'revision'  leave it out"},
      {repository("id: a/b, revision: --token, unpinned: true"),
       ":4:25  'revision' cannot be '--token'  a branch or tag of the repository"},
      {repository("id: a/b/c, revision: main, unpinned: true"), ":4:10  'id' cannot be 'a/b/c'" + hub},
      {repository("id: ../b, revision: main, unpinned: true"), ":4:10  'id' cannot be '../b'" + hub},
      {repository("id: a--b/c, revision: main, unpinned: true"), ":4:10  'id' cannot be 'a--b/c'" + hub},
      {repository("id: a/b, revision: main, unpinned: true, include: [--force, /etc, ../x]"),
       ":4:57  an entry of 'include' cannot be '--force'" + pattern +
           "\n:4:66  an entry of 'include' cannot be '/etc'" + pattern +
           "\n:4:72  an entry of 'include' cannot be '../x'" + pattern},
      {shelf + "repositories:\n  - {" + pinned + "}\n  - {" + pinned + "}\n",
       ":5:10  the repository 'a/b' stands here a second time  first in line 4: keep one of them"},
      {shelf + "source: archive\n" + list,
       ":3:9  a shelf from an archive needs the key 'archive'  the absolute path of a tar file"},
      {shelf + "archive: /a.tar\n" + list,
       ":3:10  'archive' has no effect on a shelf from the hub  source: archive"},
      {shelf + "source: archive\narchive: a.tar\n" + list,
       ":4:10  'archive' cannot be 'a.tar'  an absolute path of letters, digits, '.', '_', '+' and '-', "
       "without '..'"},
      {shelf + "source: archive\narchive: /a.tar\nendpoint: https://a\n" + list,
       ":5:11  'endpoint' has no effect on a shelf from an archive  source: hub"},
      {shelf + "source: archive\narchive: /data/a.tar.zst\n" + list, ""},
      {shelf + "source: directory\n" + list,
       ":3:9  a shelf from a directory needs the key 'directory'  the absolute path of a cache, or of a "
       "folder "
       "with OWNER/NAME in it"},
      {shelf + "source: directory\ndirectory: /mnt/share\narchive: /a.tar\n" + list,
       ":5:10  'archive' has no effect on a shelf from a directory  source: archive"},
      {shelf + "source: directory\ndirectory: /mnt/share\n" + list, ""},
      {shelf + "endpoint: https://me:secret@a\n" + list,
       ":3:11  'endpoint' cannot be 'https://me:secret@a'  an http or https address without user and "
       "password"},
      {shelf + "proxy: http://me:secret@a\n" + list,
       ":3:8  'proxy' cannot be 'http://me:secret@a'  an http or https address without user and password"},
      {shelf + "proxy: http://proxy:3128\nno_proxy: [localhost, .example, 10.0.0.0/8]\n" + list, ""},
      {shelf + "proxy: http://proxy:3128\nno_proxy: [\"a,b\"]\n" + list,
       ":4:12  an entry of 'no_proxy' cannot be 'a,b'  a host, a domain with a dot in front, or an address"},
      {shelf + "no_proxy: [a]\n" + list, ":3:11  'no_proxy' has no effect without 'proxy'  leave it out"},
      {shelf + "source: directory\ndirectory: /mnt/share\nproxy: http://a\n" + list,
       ":5:8  'proxy' has no effect on a shelf from a directory  source: hub"},
      {shelf + "source: archive\narchive: /a.tar\njitter_seconds: 9\n" + list,
       ":5:17  'jitter_seconds' has no effect on a shelf from an archive  source: hub"},
      {shelf + "jitter_seconds: 3601\n" + list,
       ":3:17  'jitter_seconds' cannot be 3601  a decimal number from 0 to 3600"},
      {shelf + "rate: 9 MiB\n" + list,
       ":3:7  'rate' cannot be '9 MiB'  10 MiB or more, which is a second; left out, it is as fast as it "
       "goes"},
      {shelf + "rate: fast\n" + list,
       ":3:7  'rate' cannot be 'fast'  a number and a unit: 512 MiB, 1.5 TB, 100 GiB"},
      {shelf + "rate: 200 MiB\nhours: 22:00-06:00\njitter_seconds: 600\n" + list, ""},
      {shelf + "hours: 22-6\n" + list,
       ":3:8  'hours' cannot be '22-6'  a window of the day in UTC with two digits each: 22:00-06:00"},
      {shelf + "hours: 22:00-24:00\n" + list,
       ":3:8  'hours' cannot be '22:00-24:00'  a window of the day in UTC with two digits each: 22:00-06:00"},
      {shelf + "hours: 06:00-06:00\n" + list,
       ":3:8  'hours' cannot be '06:00-06:00'  a window of the day in UTC with two digits each: 22:00-06:00"},
      {shelf + "endpoint: ftp://a\n" + list,
       ":3:11  'endpoint' cannot be 'ftp://a'  an http or https address without user and password"},
      {shelf + "endpoint: \"http://[::1]:8080\"\n" + list, ""},
      {shelf + "priority: 1001\n" + list,
       ":3:11  'priority' cannot be 1001  a decimal number from -1000 to 1000"},
      {shelf + "priority: -5\n" + list, ""},
      {shelf + "source: torrent\n" + list,
       ":3:9  'source' cannot be 'torrent'  one of: hub, archive, directory"},
  });
}

TEST_CASE("profile: the tables refer to sources that they have") {
  const std::string compatibility =
      "schema: 1\nkind: compatibility\nas_of: \"2026-11\"\nsources:\n  - {key: A, kind: repo}\ndrivers:\n"
      "  - {release: \"30.10.2\", sources: [A]}\nreleases:\n";
  const auto release = [&](const std::string& fields) {
    return compatibility + "  - {rocm: \"7.0.2\", stream: legacy" + fields + "}\n";
  };
  check_rows({
      {release(", sources: [A]"), ""},
      {release(", sources: [A, Q]"), ":9:50  there is no source 'Q'  a 'key' of the list 'sources'"},
      {release(", sources: [A], released: \"2025-1-1\""),
       ":9:61  'released' cannot be '2025-1-1'  a date such as 2025-10-10"},
      {release(", sources: [A], ubuntu: [{version: \"24.04.3\", kernels: [{series: \"6.14\", track: HWE, "
               "mi300x: maybe}]}]"),
       ":9:128  'mi300x' cannot be 'maybe'  one of: yes, no, unstated"},
      {release(", sources: [A], ubuntu: [{version: \"24.04.3\", kernels: [{series: 6.14, track: HWE, mi300x: "
               "\"yes\"}]}]"),
       ":9:100  'series' must be a text, not 6.14  in quotes: \"6.14\""},
      {release(", sources: [A]") + "  - {rocm: \"7.0.2\", stream: a, sources: [A]}\n",
       ":10:12  the release '7.0.2' stands here a second time  first in line 9: keep one of them"},
      {"schema: 1\nkind: gpus\nsources: [{key: A, kind: repo}]\ndevices:\n  - {id: 0x74a1, name: a, family: "
       "b, gfx: c}\n",
       ":5:10  'id' must be a text, not 0x74a1  in quotes: \"0x74a1\""},
      {"schema: 1\nkind: gpus\nsources: [{key: A, kind: repo}]\ndevices:\n  - {id: \"0x74A1\", name: a, "
       "family: b, gfx: c}\n",
       ":5:10  'id' cannot be '0x74A1'  a PCI device id such as \"0x74a1\""},
  });
}

TEST_CASE("profile: all mistakes of a file come at once, in the order of their places") {
  CHECK(said("schema: 1\nkind: profile\ngpus: {model: [], count: 010}\ncache: {path: /tmp}\nkache: 1\n") ==
        ":3:15  'model' must be a text, not a list\n"
        ":3:26  'count' cannot be 010  a decimal number from 1 to 64, digits only\n"
        ":4:15  the cache cannot be at '/tmp': /tmp is emptied, and services see one of their own  a place "
        "such as "
        "/srv/fettle, bind-mounted there when it is somebody else's mount\n"
        ":5:1  unknown key 'kache'  known here: schema, kind, name, why, extends, for, gpus, host, "
        "cache, caches, environment, "
        "not_set, deep");
}

TEST_CASE("profile: a kernel log rule must compile, match its own example, and have a name of its own") {
  const std::string head = "schema: 1\nkind: kernel-log\nsources: [{key: A, kind: repo}]\nrules:\n";
  const auto rule = [](const std::string& name, const std::string& pattern, const std::string& rest = {}) {
    return "- {name: " + name +
           ", about: gpu, severity: error, means: m, advice: a, example: GPU gone, sources: [A], " + rest +
           "pattern: '" + pattern + "'}\n";
  };
  CHECK(said(head + rule("a", "GPU (gone|lost)", "hours: 24, ")).empty());
  CHECK(said(head + rule("a", "GPU lost")).find("the pattern of 'a' does not match its own example") !=
        std::string::npos);
  CHECK(said(head + rule("a", "GPU (gone")).find("cannot use the pattern 'GPU (gone'") != std::string::npos);
  CHECK(said(head + rule("a", "(GPU) \\1")).find("it refers back to a group") != std::string::npos);
  CHECK(said(head + rule("a", "GPU") + rule("a", "gone")).find("the rule 'a'") != std::string::npos);
  CHECK(said(head + rule("a", "GPU", "hours: 0, ")).find("'hours'") != std::string::npos);
  CHECK(said(head + "- {name: a, about: cpu, severity: bad, pattern: x, means: m, advice: a, example: x, "
                    "sources: [B]}\n")
            .find("'about' cannot be 'cpu'") != std::string::npos);
}
