"""From a command line to a wish."""

from teastorm.tune.asked import Asked, wish_of


def test_a_start_up_that_was_given_is_not_assumed(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("time_s,rps\n0,5\n60,5\n")
    usual, given = (
        wish_of(Asked(demand=str(path), slo="good>=0.9", startup_s=s)).service for s in (None, 90.0)
    )
    assert (usual.startup_s, given.startup_s) == (60, 90)
    assert any(each.startswith("start-up: 60 s") for each in usual.assumed)
    assert not any(each.startswith("start-up: ") for each in given.assumed)
