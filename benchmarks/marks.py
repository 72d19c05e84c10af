"""Pages with generated figures between two marks."""

Marks = tuple[str, str]


def with_section(page: str, marks: Marks, text: str) -> str:
    """The page with `text` between its marks. Raises `ValueError` where one is missing."""
    begin, end = marks
    before, opened, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the page has no {end if opened else begin}")
    return f"{before}{begin}\n{text}\n{end}{after}"
