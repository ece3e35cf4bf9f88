"""The first minute: start, environment, files, a second process, a clean end."""

import os
import re
import stat
import subprocess

import pytest
from conftest import BINARY, PATIENCE, House


def test_a_first_start_makes_everything_and_a_clean_stop_takes_the_endpoint_back(new_house):
    house = new_house().start()
    data = house.data_dir
    assert (data / "endpoint").read_text().strip() == house.url
    for name in ["aws/credentials", "aws/config", "root.key", "house.json", "endpoint", "cairn.db"]:
        assert stat.S_IMODE(os.stat(data / name).st_mode) == 0o600, name
    assert re.fullmatch(r"\d{12}", house.account)
    assert house.aws_json("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{house.account}:root"
    house.aws("s3", "mb", "s3://first-minute")
    house.aws("s3", "cp", "-", "s3://first-minute/hello", input="hello")
    assert house.aws("s3", "cp", "s3://first-minute/hello", "-").stdout == "hello"
    account = house.account
    house.stop()
    assert not (data / "endpoint").exists()
    house.start()
    assert house.account == account
    assert house.aws("s3", "cp", "s3://first-minute/hello", "-").stdout == "hello"
    house.stop()


def test_a_second_process_on_the_same_directory_is_refused(new_house):
    house = new_house().start()
    second = subprocess.run([BINARY, "serve"], capture_output=True, text=True, env=house.environment(), timeout=PATIENCE)
    assert second.returncode == 1
    assert "in use by another cairn" in second.stderr
    assert house.client("sts").get_caller_identity()["Account"] == house.account
    house.stop()


def test_a_crash_leaves_an_endpoint_that_the_next_start_replaces(new_house):
    house = new_house().start()
    house.kill()
    endpoint = house.data_dir / "endpoint"
    assert endpoint.read_text().strip() == house.url
    # The next port may happen to be the same one.
    endpoint.write_text("http://127.0.0.1:1\n")
    house.start()
    assert endpoint.read_text().strip() == house.url
    house.stop()


def test_account_region_and_first_key_can_be_given(new_house):
    house = new_house(
        CAIRN_ACCOUNT="111122223333",
        CAIRN_REGION="eu-west-1",
        CAIRN_ROOT_ACCESS_KEY_ID="AKIACAIRNEXAMPLE0001",
        CAIRN_ROOT_SECRET_ACCESS_KEY="a-secret-that-was-provisioned-from-outside",
    ).start()
    assert house.account == "111122223333"
    assert house.root_keys()["aws_access_key_id"] == "AKIACAIRNEXAMPLE0001"
    assert "region = eu-west-1" in (house.data_dir / "aws/config").read_text()
    assert house.aws_json("sts", "get-caller-identity")["Account"] == "111122223333"
    house.stop()


def test_a_configuration_file_is_read_and_its_mistakes_are_named(tmp_path):
    good = tmp_path / "cairn.toml"
    good.write_text('[trail]\ndelivery_interval = "2s"\n')
    house = House(tmp_path / "data").start("--config", str(good))
    house.stop()
    bad = tmp_path / "bad.toml"
    bad.write_text('[trail]\ndelivery = "2s"\n')
    done = house.cli("serve", "--config", bad, check=False)
    assert done.returncode == 1 and "delivery" in done.stderr and "bad.toml" in done.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["env"], ["import"], ["verify"], ["tour"]])
def test_help_teaches(command):
    done = subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0
    assert len(done.stdout) > 200


def test_the_tour_shows_the_main_job_from_the_first_call_to_the_caught_forgery(tmp_path):
    directory = tmp_path / "tour"
    command = [BINARY, "tour", "--data-dir", directory]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"user/mallory +StopLogging +AccessDenied", done.stdout)
    assert re.search(r"user/mallory +1 calls, 1 denied", done.stdout)
    assert "verdict       ALL PROVEN" in done.stdout
    assert "log_altered" in done.stdout and "caught: the copy is worthless as evidence" in done.stdout
    assert "The house has stopped cleanly" in done.stdout and not (directory / "endpoint").exists()
