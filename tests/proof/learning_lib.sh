# Sourced after lib.sh by the proofs of learning: a Python of their own under build/, with what the
# product never uses.
#
#   python_with PACKAGE...   sets $python
python_with() {
    python=$build/venv-learning/bin/python
    [ -x "$python" ] || python3 -m venv "$build/venv-learning"
    local package
    for package in "$@"; do
        "$python" -m pip show -q "$package" 2>/dev/null ||
            "$python" -m pip install -q "$package" || skip "no $package from the package index"
    done
}
