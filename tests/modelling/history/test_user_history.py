import numpy as np

from ratecast.modelling.history.user_history import RatingColumns, UserHistory


def test_history_finds_the_ratings_of_a_user() -> None:
    at = np.array([5, 4, 3, 2, 1])
    users = np.array([2, 1, 2, 1, 3], np.int32)
    history = UserHistory(RatingColumns(users, users, at.astype(float), at))
    history.add(RatingColumns(users[:2], users[:2], np.zeros(2), at[:2] + 10))
    assert history.of_users(np.array([2], np.int32)).at.tolist() == [3, 5, 15]
    assert history.of_user(2).at.tolist() == [3, 5, 15]
    assert history.of_user(3).at.tolist() == [1]
    assert len(history.of_user(4)) == 0
    assert len(history) == len(history.all_ratings()) == 7
    history.merge()
    assert history.of_users(np.array([1, 2], np.int32)).at.tolist() == [2, 4, 14, 3, 5, 15]
    history.remove(np.array([2], np.int32), lambda ratings: ratings.at == 5)
    assert history.of_user(2).at.tolist() == [3, 15]


def test_a_late_rating_is_merged_in_time_order() -> None:
    users, at = np.array([1, 1, 2], np.int32), np.array([10, 30, 20])
    history = UserHistory(RatingColumns(users, users, at.astype(float), at))
    late = np.array([2, 1], np.int32), np.array([5, 20])
    history.add(RatingColumns(late[0], late[0], late[1].astype(float), late[1]))
    history.merge()
    assert history.merged.at.tolist() == [10, 20, 30, 5, 20]
    assert history.merged.users.tolist() == [1, 1, 1, 2, 2]
