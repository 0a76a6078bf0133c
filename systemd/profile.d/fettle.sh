# Login shells get the environment of this node; fettle writes the file at boot.
if [ -r /run/fettle/env/fettle.sh ]; then
  . /run/fettle/env/fettle.sh
fi
