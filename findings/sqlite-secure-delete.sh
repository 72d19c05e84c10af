#!/usr/bin/env bash
# SQLite: PRAGMA secure_delete=ON writes zeros over what is deleted, but an id in an index may stay in the file.
# Rows that come in no order split the pages of an index: entries move to a new page, and their bytes stay in the
# free part of the old one. A delete overwrites the entry where it is now. A table without an index keeps
# nothing here, and VACUUM (SQLite writes the file anew) leaves nothing of it anywhere.
# Guess: after the delete of a user's ratings, the file holds no byte of the user's id.
# Seen: of 100 deleted users some are still in the file where (user, movie) has an index, and none without.
# Source: https://sqlite.org/pragma.html#pragma_secure_delete
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet apsw==3.54.1.0
cat > "$folder/delete.py" <<'END'
import random
import sys
from pathlib import Path

import apsw

TABLE = "CREATE TABLE rating (user TEXT, movie INTEGER, stars REAL"
SCHEMAS = {"no index": f"{TABLE})", "index": f"{TABLE}, PRIMARY KEY (user, movie))"}
folder = Path(sys.argv[1])
ids = [f"reader-{number:06d}" for number in range(300)]
deleted = ids[::3]


def kept(file):
    """Deleted users whose id is in the file."""
    content = file.read_bytes()
    return sum(user.encode() in content for user in deleted)


found = {}
for name, schema in SCHEMAS.items():
    file = folder / f"{name}.db"
    database = apsw.Connection(str(file))
    assert database.execute("PRAGMA secure_delete=ON").get == 1
    database.execute(schema)
    random.seed(0)
    rows = [(user, random.randrange(10**6), 3.5) for user in ids for _ in range(20)]
    random.shuffle(rows)
    with database:
        database.executemany("INSERT INTO rating VALUES (?, ?, ?)", rows)
    with database:
        database.executemany("DELETE FROM rating WHERE user = ?", [(user,) for user in deleted])
    assert database.execute("SELECT count(*) FROM rating").get == 200 * 20
    found[name] = kept(file)
    database.execute("VACUUM")
    print(
        f"SQLite {apsw.sqlite_lib_version()}, {name}: {found[name]} of {len(deleted)} deleted ids "
        f"are in the file, {kept(file)} after VACUUM"
    )
    assert kept(file) == 0
assert found["no index"] == 0
assert found["index"] > 0
END
"$folder/venv/bin/python" "$folder/delete.py" "$folder"
