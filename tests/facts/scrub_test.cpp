#include "facts/scrub.h"

#include <doctest/doctest.h>

#include <string>

using namespace fettle;
using namespace fettle::facts;

TEST_CASE("scrub: what is learned is replaced wherever it stands as a word, the same by the same") {
  Scrub scrub;
  scrub.learn("serial", "S4YPNX0T700001\n");
  scrub.learn("serial", "eui.0025388b91b0a0c1");
  scrub.learn("host", "gpu-node-17");
  const std::string text = scrub.text(
      "serial S4YPNX0T700001, \"S4YPNX0T700001\" XS4YPNX0T700001 eui.0025388b91b0a0c1 gpu-node-17 "
      "gpu-node-17.example.com gpu-node-171",
      TextKind::value);
  CHECK(text ==
        "serial SERIAL00000001, \"SERIAL00000001\" XS4YPNX0T700001 eui.0000000000000002 host-1 host-2 "
        "gpu-node-171");
  CHECK(scrub.counts() == std::map<std::string, std::uint64_t>{{"host", 2}, {"serial", 2}});
}

TEST_CASE("scrub: names that can be told by their shape are replaced, versions and PCI addresses are not") {
  struct Row {
    const char* text;
    const char* scrubbed;
  };
  for (const Row& row : {
           Row{"root=UUID=3b0a5f0c-7a53-4d0e-9c1e-0d6f3a4b5c6d ro",
               "root=UUID=00000000-0000-4000-8000-000000000001 ro"},
           Row{"UUID 7e3f1c2a:11223344:55667788:99aabbcc", "UUID 00000000:00000000:00000000:00000001"},
           Row{"mac 0c:42:a1:f0:03:1e.", "mac 02:00:00:00:00:01."},
           Row{"ip=10.4.7.19:255 10.4.7.19", "ip=10.4.7.19:255 198.18.0.2"},
           Row{"fe80::e42:a1ff:fef0:31e", "2001:db8::1"},
           Row{"127.0.0.1 0.0.0.0 ::", "127.0.0.1 0.0.0.0 ::"},
           Row{"filer7:/export/home /home/alice/x", "host-1:/export/home /home/user-1/x"},
           Row{"https://mirror.corp:8443/x bob@corp.example", "https://host-1/x user-1@host-2"},
           Row{"hf_abcdefghijklmnop", "REMOVED"},
           Row{"seed token=abc123 password: p4 ds=nocloud", "seed token=REMOVED password: p4 ds=nocloud"},
           Row{"0000:27:00.0 6.14.14.30100200-2226257.24.04 12:34:56 259:3",
               "0000:27:00.0 "
               "6.14.14.30100200-2226257.24.04 12:34:56 259:3"},
           Row{"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
           Row{"", ""},
           Row{"\x01\xff binary \n", "\x01\xff binary \n"},
       }) {
    CAPTURE(row.text);
    Scrub scrub;
    CHECK(scrub.text(row.text, TextKind::prose) == row.scrubbed);
  }
  Scrub scrub;
  CHECK(scrub.text("vbios 22.40.3.43", TextKind::value) == "vbios 22.40.3.43");
}

TEST_CASE("scrub: nobody's name and what is too short to be one are not learned") {
  Scrub scrub;
  for (const char* const name : {"", "N/A", "None", "0000000000000000", "localhost", "Not Specified", "1234"})
    scrub.learn("serial", name);
  CHECK(scrub.counts().empty());
  CHECK(scrub.text("1234 None", TextKind::value) == "1234 None");
}

TEST_CASE("scrub: a number in decimal and the same in hexadecimal get the same made-up one") {
  Scrub scrub;
  scrub.learn("serial", "e3aa140f9a5f9e31");
  scrub.learn_number("16404946649897475633");
  CHECK(scrub.text("e3aa140f9a5f9e31", TextKind::value) == "0000000000000001");
  CHECK(scrub.text("unique_id 16404946649897475633", TextKind::value) == "unique_id 1");
  scrub.learn_number("0");
  scrub.learn_number("many");
  CHECK(scrub.text("0 many", TextKind::value) == "0 many");
}

TEST_CASE("scrub: serials in the results of ours are learned, also of drives that are gone") {
  Scrub scrub;
  const std::string text = R"({"drives": [{"serial": "SN-GONE-01", "model": "M"}], "boot_id": "b-2024-xyz"})";
  scrub.learn_json(text);
  scrub.learn_json("{ broken");
  const std::string scrubbed = scrub.text(text, TextKind::prose);
  CHECK(scrubbed.find("SN-GONE-01") == std::string::npos);
  CHECK(scrubbed.find("b-2024-xyz") == std::string::npos);
  CHECK(scrubbed.find("\"model\": \"M\"") != std::string::npos);
}
