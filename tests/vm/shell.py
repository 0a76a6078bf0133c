#!/usr/bin/env python3
"""A node with fettle on it, to look around: each line is a bash script of its own, run as root inside."""

import node
from rig import Machine, RigError


def main():
    with Machine("shell", image="shell", log=lambda text: None) as machine:
        print("booting, half a minute …", flush=True)
        machine.boot()
        node.configure(machine)
        print("The node is up: eight blank drives, the package installed, a profile and the shelf 'tiny' wanted.\n"
              "Try: fettle plan; fettle apply; fettle wait --for ready; fettle status\n"
              "'reboot' boots again, 'power cut' pulls the plug and boots, an empty line or Ctrl-D ends.")
        while True:
            try:
                line = input("node# ").strip()
            except EOFError:
                return
            try:
                if not line:
                    return
                if line == "reboot":
                    print(machine.reboot())
                elif line == "power cut":
                    machine.power_cut()
                    print(machine.boot())
                else:
                    completed = machine.run(line, timeout=600)
                    print(completed.out, end="")
                    if completed.exit_code:
                        print(f"[exit code {completed.exit_code}]")
            except RigError as error:
                print(error)


main()
