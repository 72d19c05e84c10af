"""Who is measured on real tables: each method lightly tuned, by what is tried on validation."""

from benchmarks.peers import Method

FITTED = (
    Method("damped bias", "damped", "", "", {}, tuple(
        {"item": i, "user": u} for i in (1, 3, 6, 12) for u in (1, 3, 8, 16))),
    Method("Surprise BaselineOnly", "surprise", "scikit-surprise", "", {"model": "BaselineOnly"},
        tuple({"bsl_options": {"method": "als", "reg_u": u, "reg_i": i}}
              for u, i in ((15, 10), (5, 3), (10, 5), (2, 2)))),
    Method("Surprise SVD", "surprise", "scikit-surprise", "", {"model": "SVD"},
        tuple({"n_factors": k, "reg_all": reg}
              for k, reg in ((100, 0.02), (20, 0.05), (20, 0.1), (50, 0.2)))),
    Method("LensKit Bias", "lenskit", "lenskit", "", {"model": "Bias"},
        tuple({"damping": {"user": u, "item": i}} for u, i in ((5, 5), (8, 3), (3, 3), (15, 10)))),
    Method("LensKit ALS", "lenskit", "lenskit", "", {"model": "ALS"},
        tuple({"embedding_size": k, "regularization": reg}
              for k, reg in ((50, 0.1), (10, 0.2), (10, 0.5), (4, 1.0)))),
    Method("Cornac MF", "cornac", "cornac", "", {"model": "MF"},
        tuple({"k": k, "lambda_reg": reg, "max_iter": epochs}
              for k, reg, epochs in ((10, 0.02, 20), (10, 0.05, 40), (10, 0.1, 40)))),
    Method("cmfrec CMF", "cmfrec", "cmfrec", "", {},
        tuple({"k": k, "lambda_": reg} for k, reg in ((40, 10.0), (8, 5.0), (8, 20.0), (2, 10.0)))),
    Method("LIBMF", "libmf", "libmf", "", {},
        tuple({"k": 16, "lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": x, "lambda_q2": x}
              for x in (0.05, 0.1, 0.2))),
    Method("myFM", "myfm", "myfm", "", {"rank": 8}, tuple({"rank": k} for k in (0, 4, 10))),
)  # fmt: skip

WALKED = (
    Method("online damped bias", "damped_online", "", "", {}, tuple(
        {"item": i, "user": u} for i in (1, 3, 6) for u in (1, 3, 8))),
    Method("River Baseline", "river", "river", "", {"model": "Baseline"},
        tuple({"rate": rate, "l2": l2} for rate in (0.01, 0.025, 0.05) for l2 in (0.0, 0.02))),
    Method("River BiasedMF", "river", "river", "", {"model": "BiasedMF"},
        tuple({"rate": rate, "l2": l2} for rate in (0.01, 0.025) for l2 in (0.02, 0.1))),
    Method("Vowpal Wabbit", "vw", "vowpalwabbit", "", {},
        ({}, {"learning_rate": 0.2}, {"learning_rate": 1.0}, {"power_t": 0.3},
         {"lrq": "ui7", "learning_rate": 0.1})),
)  # fmt: skip
