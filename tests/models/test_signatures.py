"""How many forms of arguments each compiled loop is compiled for: every one takes time."""

import subprocess
import sys
import textwrap

# Loops over columns of several types, and so of as many forms; of all others there is one.
FORMS = {
    "ratecast.modelling.contract.rows._counts": 2,
    "ratecast.modelling.history.user_history._inserted": 3,
    "ratecast.modelling.kernels.csr._copy": 3,
    "ratecast.modelling.kernels.loops.copy": 2,
    "ratecast.modelling.kernels.loops.fill": 2,
    "ratecast.modelling.factors.recursive_least_squares.noise_before": 2,
    # What a cached loop calls is not counted, so the next three are seen by the process that
    # compiles: of linear terms and of factors, of vectors in double and in single precision.
    "ratecast.models.factorization_machine.gibbs_kernel.draw_coefficients": 2,
    "ratecast.models.state_space.em_sums.add_four": 2,
    "ratecast.models.state_space.em_sums.add_one": 2,
    "ratecast.models.state_space.residual_kernel._fill_row": 2,
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
    assert {name: n for name, n in forms.items() if n > FORMS.get(name, 1)} == {}
