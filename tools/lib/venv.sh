# The private Python environment with the independent programs that the tests speak to.

# make_venv DIR FINAL: scripts in it name their interpreter by its whole path, so they get the final one.
make_venv() {
    local dir=$1 final=$2 script
    /usr/bin/python3 -m venv "$dir"
    # The list is complete and pinned; app-tools-zxw asks for many things that its protocol modules never import.
    "$dir/bin/python" -m pip install -q --no-deps --no-compile -r "$root/tools/requirements.txt"
    grep -rlIF "$dir" "$dir/bin" "$dir/pyvenv.cfg" | while read -r script; do
        [ -L "$script" ] || sed -i "s|$dir|$final|g" "$script"
    done
    "$dir/bin/python" -c 'import crcmod, cryptography, pymodbus, requests, serial, uhfreader18'
}
