"""How many forms of arguments each compiled loop is compiled for: every one takes time."""

import subprocess
import sys
import textwrap

# Loops with columns or values of two types, and so two compiled forms; of all others there is one.
TWO = {
    "ratecast.modelling.contract.rows._counts",
    "ratecast.modelling.kernels.csr._copy",
    "ratecast.modelling.kernels.loops.copy",
    "ratecast.modelling.kernels.loops.fill",
    "ratecast.models.knn._residual",
    "ratecast.modelling.factors.recursive_least_squares.noise_before",
    "ratecast.models.state_space.residual_kernel._fill_row",
}
CODE = """
    import gc
    import ratecast as rc
    from ratecast.compiled import Loop

    ratings = rc.example_ratings()
    split = rc.chronological(ratings)
    for name in ("bias", "knn", "als", "variational_mf", "svdpp", "state_space", "cold_start",
                 "factorization_machine"):
        model = rc.make_model(name).fit(split.train, split.valid)
        model.predict(split.test)
        model.walk(split.valid)
        model.observe(split.test)
    for loop in gc.get_objects():
        if type(loop) is Loop and "dispatcher" in loop.__dict__:
            print(f"{loop.__module__}.{loop.__qualname__}", len(loop.signatures))
    """


def test_one_form_of_arguments() -> None:
    words = [sys.executable, "-c", textwrap.dedent(CODE)]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    forms = {name: int(count) for name, count in map(str.split, found.splitlines())}
    assert len(forms) > 40
    assert {name: n for name, n in forms.items() if n > 1 + (name in TWO)} == {}
