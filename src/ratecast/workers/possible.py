"""Places that are refused before work begins."""

from ratecast.workers.place import Local, Place, Ray


def possible(place: Place) -> Place:
    """The place. Raises `InputError` for one that is seen at once not to be there."""
    if isinstance(place, Ray):
        from ratecast.workers.ray_cluster import require_possible

        require_possible(place)
    return place


def place_of(jobs: int | Ray) -> Place:
    """What a function of Python was given: jobs on this machine, or a cluster."""
    return possible(jobs if isinstance(jobs, Ray) else Local(jobs=jobs))
