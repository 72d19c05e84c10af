#!/usr/bin/env bash
# rapidfuzz: with WRatio, the default of process.extract, no cutoff tells the same film from another.
# A title that stands inside a longer one gets 90, whatever the rest says; the same film in another
# spelling gets less.
# Guess: the score is high for the same film and lower for others, so that a cutoff of 85 to 90 keeps
#   the right matches.
# Seen: "Her" against "Hercules" 90, "M" against "Mission" 90, "Birdman" against "Birdman of
#   Alcatraz" 90; but "Se7en" against "Seven" 80 and "Les Misérables" against "Miserables, Les" 85.
#   token_set_ratio gives 100 to "Rocky" against "Rocky II". Capital letters count: for HEAT the best
#   of Heat, Dead Heat and HEAD is HEAD.
# Source: https://rapidfuzz.github.io/RapidFuzz/Usage/fuzz.html
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet rapidfuzz==3.14.6
"$folder/venv/bin/python" - <<'END'
from rapidfuzz import __version__, fuzz, process

print("rapidfuzz", __version__)
same = (("Se7en", "Seven"), ("Les Misérables", "Miserables, Les"))
other = (("Her", "Hercules"), ("M", "Mission"), ("Birdman", "Birdman of Alcatraz"))
print("guess: every pair of one film scores above every pair of two films")
of_same = [fuzz.WRatio(*pair) for pair in same]
of_other = [fuzz.WRatio(*pair) for pair in other]
for pair, score in zip(same + other, of_same + of_other, strict=True):
    print(f"seen: {' | '.join(pair)}: WRatio {score:.0f}, ratio {fuzz.ratio(*pair):.0f}")
assert max(of_same) < min(of_other)
assert fuzz.token_set_ratio("Rocky", "Rocky II") == 100
best = process.extractOne("HEAT", ["Heat", "Dead Heat", "HEAD"])[0]
print(f"seen: the best match of HEAT among Heat, Dead Heat and HEAD is {best}")
assert best == "HEAD"
END
