"""The command: exit codes, one sentence for what is wrong, files for what was found."""

import orjson
import pytest

from teastorm.cli.main import cli

CROWD = "time_s,rps\n0,6\n12,6\n15,60\n42,60\n45,6\n60,6\n"
QUICK = ("--trials", 2, "--seeds", 1, "--time-factor", 1, "--startup-s", 3, "--max-replicas", 3)


@pytest.fixture
def teastorm(capfd):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(each) for each in arguments])
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


@pytest.fixture
def crowd(tmp_path):
    path = tmp_path / "crowd.csv"
    path.write_text(CROWD)
    return path


def test_a_session_from_the_command_line(teastorm, crowd, tmp_path):
    out = tmp_path / "out"
    code, told, err = teastorm(
        "tune", "--demand", crowd, "--slo", "good>=0.01", "--out", out, *QUICK, "--json"
    )
    assert code == 0
    content = orjson.loads(told)
    assert (content["schema"], content["trials"]) == ("teastorm.tune/1", 2)
    assert content["files"] == [
        str(out / name) for name in ("tune.html", "tune.json", "hpa.yaml", "values.yaml")
    ]
    assert "tried 2 of 2 settings" in err


def test_nothing_that_meets_the_objectives_is_inconclusive(teastorm, crowd, tmp_path):
    code, told, _ = teastorm(
        "tune", "--demand", crowd, "--slo", "p99<=0.01", "--out", tmp_path / "out", *QUICK
    )
    assert code == 4
    assert "Nothing in the search space meets p99<=0.01. Nearest comes A" in told
    assert "Assumed:" in told
    assert "hpa.yaml" not in told


def test_where_nothing_was_chosen_nothing_is_verified(teastorm, crowd, tmp_path):
    code, told, err = teastorm(
        "tune",
        "--demand",
        crowd,
        "--slo",
        "p99<=0.01",
        "--out",
        tmp_path / "out",
        *QUICK,
        "--verify",
    )
    assert code == 4
    assert "Nearest comes A" in told
    assert err.splitlines()[-1] == "nothing meets the objectives, so nothing is verified"


def test_a_folder_that_cannot_be_made_is_refused_before_the_search(teastorm, crowd, tmp_path):
    (tmp_path / "file").write_text("in the way")

    code, told, err = teastorm("tune", "--demand", crowd, "--out", tmp_path / "file" / "tuned")

    assert (code, told) == (2, "")
    assert err == f"teastorm: --out: {tmp_path / 'file'} is a file; name a folder\n"


def test_a_demand_of_a_whole_country_is_refused(teastorm, tmp_path):
    path = tmp_path / "demand.csv"
    path.write_text("time_s,rps\n0,5\n60,1e7\n120,5\n")

    code, told, err = teastorm("tune", "--demand", path, "--out", tmp_path / "out")

    assert (code, told) == (2, "")
    assert "10000 is the most; lower it" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--demand", "gone.csv"), "gone.csv: no such file; name a demand that exists"),
        (("--demand", "CROWD", "--slo", "good>=2"), "--slo: good must be a share from 0 to 1"),
        (("--demand", "run:nowhere"), "nowhere"),
        (("--demand", "CROWD", "--mapping", "m.yaml"), "--mapping goes with --demand prometheus:"),
        (("--demand", "CROWD", "--now", "gone.yaml"), "gone.yaml: cannot be read"),
        (("--demand", "CROWD", "--with", "magic"), "'magic' is no protection; known: "),
        (("--demand", "prometheus:http://127.0.0.1:9"), "--demand: the query is missing"),
        (
            ("--demand", "CROWD", "--prometheus-header", "tenant"),
            "--prometheus-header: 'tenant' must be NAME: VALUE",
        ),
        (
            ("--demand", "CROWD", "--prometheus-token-file", "gone"),
            "--prometheus-token-file: gone cannot be read",
        ),
        (
            ("--demand", "CROWD", "--storage", "sqlite:////no/such/study.db", *QUICK),
            "--storage: sqlite:////no/such/study.db cannot be used",
        ),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, teastorm, crowd, tmp_path):
    given = [str(crowd) if each == "CROWD" else each for each in arguments]
    code, told, err = teastorm("tune", *given, "--out", tmp_path / "out")
    assert (code, told) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_field_in_the_manifest_is_named(teastorm, crowd, tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n"
        "spec:\n  scaleTargetRef: {kind: Deployment, name: x}\n  maxReplica: 3\n"
    )
    code, _, err = teastorm("tune", "--demand", crowd, "--now", path)
    assert code == 2
    said = "spec.maxReplica is not a known field; did you mean 'maxReplicas'?"
    assert err == f"teastorm: {path}: {said}\n"


def test_a_prometheus_that_does_not_answer_is_a_precondition(teastorm, tmp_path):
    code, _, err = teastorm(
        "tune", "--demand", "prometheus:http://127.0.0.1:9?query=x", "--out", tmp_path / "out"
    )
    assert code == 3
    assert err.startswith("teastorm: http://127.0.0.1:9: the query failed")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("time_s,rps\n0,0\n60,0\n", "every rate is 0"),
        ("time_s,rps\n0,1\n60,2\n30,3\n", "point 3: times must rise, got 30 s after 60 s; sort"),
        ("minute,relative_rate\n0,1\n5,0.5\n4,0.2\n", "row 4: minute must be above 5, got 4"),
    ],
)
def test_an_empty_or_a_falling_demand_is_usage(text, sentence, teastorm, tmp_path):
    path = tmp_path / "demand.csv"
    path.write_text(text)
    code, told, err = teastorm("tune", "--demand", path, "--out", tmp_path / "out")
    assert (code, told) == (2, "")
    assert sentence in err
    assert str(path) in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--platform", "kubernetes", "--context", "none"), "go with --verify"),
        (("--verify-minutes", "5"), "go with --verify"),
        (("--verify", "--verify-minutes", "5"), "goes with --platform kubernetes"),
        (
            ("--verify", "--mapping", "m.yaml"),
            "--verify runs the shop, and --mapping is of another",
        ),
    ],
)
def test_where_to_verify_needs_a_verification(words, sentence, teastorm, crowd, tmp_path):
    code, _, err = teastorm("tune", "--demand", crowd, "--out", tmp_path / "out", *words)
    assert code == 2
    assert sentence in err
    assert not (tmp_path / "out").exists()
