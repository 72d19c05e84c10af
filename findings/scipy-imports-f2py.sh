#!/usr/bin/env bash
# scipy: a program that needs one sparse matrix imports scipy.sparse.
# scipy keeps a copy of numpy's names for other array libraries, and makes it by asking numpy for each. numpy
# imports its larger parts when they are first asked for, so all are imported: the compiler of Fortran
# wrappers, the test tools and unittest among them.
# Guess: scipy.sparse costs its own compiled parts, and what numpy imports lazily stays away.
# Seen: numpy.f2py, numpy.testing and unittest are imported, by some 30 modules that a sparse matrix never
# uses; they are a third or more of the time of the import.
# Source: https://numpy.org/neps/nep-0052-python-api-cleanup.html (numpy's namespaces); its lazy parts are in
# https://github.com/numpy/numpy/blob/main/numpy/__init__.py
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scipy==1.17.1 numpy==2.4.6
cat > "$folder/imports.py" <<'END'
import sys
import time

UNUSED = ("numpy.f2py", "numpy.testing", "unittest")


def loaded():
    return sorted(name for name in sys.modules if name.startswith(UNUSED))


import numpy  # noqa: E402

assert not loaded()
if sys.argv[1:]:
    start = time.process_time()
    import numpy.f2py
    import numpy.testing  # noqa: F401

    print(f"{time.process_time() - start:.3f}")
else:
    start = time.process_time()
    import scipy.sparse

    seconds = time.process_time() - start
    names = loaded()
    print(f"scipy {scipy.__version__}, numpy {numpy.__version__}: {len(names)} modules,")
    print(f"such as {', '.join(names[:4])}; the whole import {seconds:.3f} CPU s, of which these are")
    assert set(UNUSED) <= set(names)
    assert len(names) > 20
END
"$folder/venv/bin/python" -c "import scipy.sparse, numpy.f2py, numpy.testing"  # writes the bytecode
"$folder/venv/bin/python" "$folder/imports.py"
"$folder/venv/bin/python" "$folder/imports.py" alone
