"""Grading on Slurm and Kubernetes, the class on Zero to JupyterHub: what their files would run, without any of them."""

import json
import os
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from conftest import ROOT
from people import folder_of

CLUSTER = ROOT / "classroom" / "cluster"
SHARDS = 3

# Stands where Python would: notes its arguments.
PYTHON = """
import json, os, sys
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps(sys.argv[1:]) + "\\n")
sys.exit(1 if os.environ.get("FAILS") in sys.argv else 0)
"""
# Stands where sbatch would: runs the script at once, an array's tasks one after the other, in a spool folder.
SBATCH = """
import os, re, shutil, subprocess, sys, tempfile
options, script = sys.argv[1:-1], sys.argv[-1]
if any("$" in option for option in options):
    sys.exit("not expanded")
array = next((option for option in options if option.startswith("--array=")), None)
first, last = map(int, re.fullmatch("--array=([0-9]+)-([0-9]+)", array).groups()) if array else (0, 0)
for task in range(first, last + 1):
    copy = shutil.copy(script, tempfile.mkdtemp())
    number = {"SLURM_ARRAY_TASK_ID": str(task)} if array else {}
    subprocess.run(["bash", copy], env={**os.environ, **number}, check=True)
print("41;cluster" if array else "42;cluster")
"""


@pytest.fixture
def slurm(tmp_path):
    """Runs slurm.sh with the arguments; returns what is left of it and the calls of grade.py."""
    (tmp_path / "bin").mkdir()
    for name, text in (("python", PYTHON), ("sbatch", SBATCH)):
        path = tmp_path / "bin" / name
        program = tmp_path / "bin" / f"{name}.py"
        program.write_text(text)
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(program))} "$@"\n')
        path.chmod(0o755)

    def run(*arguments, **environment):
        notes = tmp_path / "notes.txt"
        notes.touch()
        settings = {"PYTHON": str(tmp_path / "bin" / "python"), "NOTES": str(notes), **environment}
        done = subprocess.run(
            [CLUSTER / "slurm.sh", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
            env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **settings},
        )
        return done, [json.loads(line) for line in notes.read_text().splitlines()]

    return run


def test_slurm_prepares_grades_every_shard_and_merges(slurm, tmp_path):
    done, calls = slurm("forward", tmp_path, tmp_path / "out", SHARDS)
    assert done.returncode == 0, done.stderr
    grade, out = str(ROOT / "classroom" / "grade.py"), str(tmp_path / "out")
    assert calls == [
        [grade, "prepare", "--assignment", "forward", "--submissions", str(tmp_path), "--out", out, "--shards", "3"],
        *([grade, "shard", "--out", out, "--shard", str(number)] for number in range(SHARDS)),
        [grade, "merge", "--out", out],
    ]
    assert f"{out}/grades.csv" in done.stdout and "41,42" in done.stdout


def test_slurm_submits_nothing_where_preparing_fails(slurm, tmp_path):
    done, calls = slurm("forward", tmp_path, tmp_path / "out", SHARDS, FAILS="prepare")
    assert done.returncode != 0 and len(calls) == 1


def test_slurm_says_how_it_is_called(slurm):
    done, calls = slurm("forward")
    assert done.returncode == 2 and not calls
    assert "用法 · Usage" in done.stderr and "ASSIGNMENT SUBMISSIONS OUT SHARDS" in done.stderr


@pytest.mark.parametrize("path", [*CLUSTER.glob("*.sh"), *CLUSTER.glob("*.sbatch")], ids=lambda path: path.name)
def test_scripts_are_bash_and_tasks_name_their_limits(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", path]).returncode == 0
    if path.suffix == ".sbatch":
        options = re.findall(r"^#SBATCH (--[\w-]+)=", text, re.MULTILINE)
        assert options == ["--job-name", "--cpus-per-task", "--mem", "--time"]


# ---- Kubernetes


def jobs():
    return list(yaml.safe_load_all((CLUSTER / "kubernetes.yaml").read_text(encoding="utf-8")))


def files():
    return yaml.safe_load((CLUSTER / "copy-pod.yaml").read_text(encoding="utf-8"))


def container(job):
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return container


def command_line(job, **environment):
    """What the kubelet would run: $(NAME) stands for a variable of the container."""
    own = container(job)
    environment |= {one["name"]: one["value"] for one in own.get("env", [])}
    parts = [re.sub(r"\$\((\w+)\)", lambda name: environment[name[1]], part) for part in own["command"] + own["args"]]
    assert all(isinstance(value, str) for value in environment.values())
    return parts


def test_kubernetes_runs_the_same_three_commands():
    prepare, shards, merge = jobs()
    number = shards["spec"]["completions"]
    assert command_line(prepare) == [
        "python", "classroom/grade.py", "prepare", "--assignment", "forward",
        "--submissions", "/grading/forward/submissions", "--out", "/grading/forward/marks", "--shards", str(number),
    ]
    for index in (0, number - 1):
        assert command_line(shards, JOB_COMPLETION_INDEX=str(index)) == [
            "python", "classroom/grade.py", "shard", "--out", "/grading/forward/marks", "--shard", str(index),
        ]
    assert command_line(merge) == ["python", "classroom/grade.py", "merge", "--out", "/grading/forward/marks"]
    assert shards["spec"]["completionMode"] == "Indexed"
    assert not prepare["spec"].get("suspend") and shards["spec"]["suspend"] and merge["spec"]["suspend"]


@pytest.mark.parametrize("job", jobs(), ids=lambda job: job["metadata"]["name"])
def test_students_code_gets_nothing_of_the_cluster(job):
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
    assert pod["hostUsers"] is False and pod["restartPolicy"] == "Never"
    assert container(job)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container(job)["securityContext"].get("privileged")
    assert container(job)["resources"]["limits"]["memory"] == "4Gi"
    (volume,), (mount,) = pod["volumes"], container(job)["volumeMounts"]
    assert mount["name"] == volume["name"] and volume["persistentVolumeClaim"]["claimName"] == "grading"
    assert pod["securityContext"]["fsGroup"] == 1000  # whose user the image runs as


def test_the_pod_for_copying_sees_the_volume_as_the_jobs_do():
    pod, (prepare, *_) = files()["spec"], jobs()
    theirs = prepare["spec"]["template"]["spec"]
    (own,) = pod.pop("containers")
    assert pod == {key: value for key, value in theirs.items() if key != "containers"}
    assert own["image"] == container(prepare)["image"] and own["volumeMounts"] == container(prepare)["volumeMounts"]


def test_what_the_comments_tell_to_type_is_there():
    text = (CLUSTER / "kubernetes.yaml").read_text(encoding="utf-8")
    names = {job["metadata"]["name"] for job in jobs()}
    assert set(re.findall(r"job[ /](bottleneck-\w+)", text)) == names
    assert set(re.findall(r"pod/([\w-]+)", text)) == {files()["metadata"]["name"]}
    copied = {path for path in re.findall(r"bottleneck-files:(/grading/\S+)", text) if not path.endswith(".db")}
    assert copied == {part for job in jobs() for part in command_line(job, JOB_COMPLETION_INDEX="0") if part[0] == "/"}
    assert all((ROOT / path).exists() for path in re.findall(r"classroom/[\w./-]+\w", text))


# ---- images and values


def copied(dockerfile):
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    return [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]


def test_only_the_teachers_image_has_the_course():
    teachers, students = copied(CLUSTER / "Dockerfile"), copied(ROOT / "classroom" / "hub" / "Dockerfile")
    assert "classroom" in teachers and all((ROOT / source).exists() for source in teachers)
    assert [source for source in students if source.startswith("classroom")] == [
        "classroom/hub/students", "classroom/hub/jupyter"
    ]


def test_only_students_are_shown_no_teachers_menus():
    """The teacher's image is made from the students', and lists what it takes away again."""
    hidden = ROOT / "classroom" / "hub" / "students"
    (file,) = (path.relative_to(hidden) for path in hidden.rglob("*") if path.is_file())
    students = (ROOT / "classroom" / "hub" / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY classroom/hub/students /usr/local/etc/jupyter\n" in students
    teachers = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    assert f"rm /usr/local/etc/jupyter/{file}\n" in teachers
    disabled = re.findall(r"extension disable --sys-prefix (\S+)", students)
    assert len(disabled) == 2 and re.findall(r"extension enable --sys-prefix (\S+)", teachers) == disabled


def test_pip_finds_the_requirements_that_the_images_give_it():
    """A student's image leaves its WORKDIR at home; paths without a slash are meant from where the course lies."""
    there = {"requirements.txt", *(f"locks/{path.name}" for path in (ROOT / "locks").glob("*.txt"))}
    students = (ROOT / "classroom" / "hub" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search("^COPY requirements.txt .* /opt/bottleneck/$", students, re.MULTILINE)
    assert "\nCOPY locks /opt/bottleneck/locks\n" in students
    for dockerfile in (students, (CLUSTER / "Dockerfile").read_text(encoding="utf-8")):
        before, _, after = dockerfile.partition("pip install")
        assert before.rstrip().splitlines()[-1] != "WORKDIR /home/jovyan"
        assert re.findall(r"^WORKDIR (\S+)", before, re.MULTILINE)[-1] == "/opt/bottleneck"
        assert set(re.findall(r"-[cr] (\S+\.txt)", after)) <= there


def values():
    return yaml.safe_load((ROOT / "classroom" / "hub" / "values.yaml").read_text(encoding="utf-8"))


def server(name):
    """What the class's hooks make of a server: the spawner, and its pod as KubeSpawner has made it."""
    config = SimpleNamespace(KubeSpawner=SimpleNamespace())
    exec(values()["hub"]["extraConfig"]["servers"], {"c": config})
    spawner = SimpleNamespace(user=SimpleNamespace(name=name), environment=values()["singleuser"]["extraEnv"])
    config.KubeSpawner.pre_spawn_hook(spawner)
    # When the profile that was chosen has put its image into the spawner.
    container = SimpleNamespace(image="registry.example.org/bottleneck:gpu", volume_mounts=[{"name": "home"}])
    furnish = SimpleNamespace(name="exchange", args=None)
    pod = SimpleNamespace(spec=SimpleNamespace(containers=[container], init_containers=[furnish]))
    assert config.KubeSpawner.modify_pod_hook(spawner, pod) is pod
    return spawner, container, furnish


def test_only_a_teachers_server_has_the_course_and_the_sandbox():
    (teacher,) = values()["singleuser"]["extraEnv"]["CLASS_TEACHERS"].split(",")
    for name in (teacher, "alice"):
        spawner, container, _ = server(name)
        assert hasattr(spawner, "container_security_context") == (name == teacher)
        assert container.image.endswith(":teacher" if name == teacher else ":gpu")


def test_a_students_server_has_nobody_elses_part_of_the_exchange():
    exchange = values()["singleuser"]["extraEnv"]["CLASS_EXCHANGE"]
    for name in ("alice", "../bob", "李 雷"):
        own = str(folder_of("", name))
        mounts = {mount["mountPath"]: mount for mount in server(name)[1].volume_mounts[1:]}
        seen = {
            path.removeprefix(exchange): (mount.get("subPath"), mount.get("readOnly", False))
            for path, mount in mounts.items()
            if mount["name"] == "exchange"
        }
        assert seen == {
            "/bottleneck/outbound": ("bottleneck/outbound", True),
            "/bottleneck/inbound": (f"{own}/inbound", False),
            "/bottleneck/feedback": (f"{own}/feedback", True),
        }
        assert mounts[exchange]["name"] == "exchange-root"
    assert server("teacher")[1].volume_mounts[1:] == [{"name": "exchange", "mountPath": exchange}]
    assert not [one for one in values()["singleuser"]["storage"]["extraVolumeMounts"] if one["name"] == "exchange"]
    volumes = {one["name"]: one for one in values()["singleuser"]["storage"]["extraVolumes"]}
    assert "emptyDir" in volumes["exchange-root"] and "persistentVolumeClaim" in volumes["exchange"]


def test_the_parts_of_the_exchange_are_made_before_they_are_mounted(tmp_path):
    (container,) = values()["singleuser"]["initContainers"]
    (mount,) = container["volumeMounts"]
    assert (mount["name"], mount["mountPath"]) == ("exchange", values()["singleuser"]["extraEnv"]["CLASS_EXCHANGE"])
    command = [*container["command"], *server("../bob")[2].args]
    here = [part.replace(mount["mountPath"], str(tmp_path)).replace("chown 1000:1000", "ls -d") for part in command]
    assert subprocess.run(here, capture_output=True).returncode == 0
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*") if path.is_dir()}
    assert made == {f"{folder_of('', '../bob')}/inbound", f"{folder_of('', '../bob')}/feedback"}
    assert (tmp_path / "bottleneck" / "outbound").is_dir() and (tmp_path / "bottleneck" / "inbound").is_dir()


def test_every_server_has_an_origin_of_its_own_and_no_teacher_is_the_hubs_administrator():
    hub, proxy = values()["hub"], values()["proxy"]["https"]
    host = hub["config"]["JupyterHub"]["subdomain_host"]
    assert host.startswith("https://") and proxy["hosts"] == [host.removeprefix("https://")]
    assert proxy["enabled"] and proxy["type"] == "secret"  # Let's Encrypt gives the chart no wildcard certificate
    assert hub["config"]["JupyterHub"]["cookie_host_prefix_enabled"] is True
    # Whom the role names, and nobody who was one before.
    assert "admin_users" not in hub["config"]["Authenticator"]
    teachers = values()["singleuser"]["extraEnv"]["CLASS_TEACHERS"].split(",")
    assert not set(hub["loadRoles"]["admin"]["users"]) & set(teachers)


def test_the_comment_counts_the_places_for_images():
    text = (ROOT / "classroom" / "hub" / "values.yaml").read_text(encoding="utf-8")
    assert text.count("registry.example.org/") == 4 and "four places that say registry.example.org" in text
    assert "写着 registry.example.org 的四处" in text


def test_nbgrader_finds_its_settings_in_the_environment():
    used = set(re.findall(r'environ\["(\w+)"\]', (ROOT / "classroom/hub/jupyter/nbgrader_config.py").read_text()))
    assert used - {"JUPYTERHUB_USER"} <= set(values()["singleuser"]["extraEnv"])


# ---- the page for teachers


def test_the_pages_own_folders_are_not_committed():
    page = (ROOT / "book" / "teachers.md").read_text(encoding="utf-8")
    folders = set(re.findall(r"(?:SUBMISSIONS|OUT|--submissions|--out)[ =](\w[^\s`]*)", page))
    ignored = re.findall(r"^/?(\w+/)$", (ROOT / ".gitignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert folders and all(f"{folder}/".startswith(tuple(ignored)) for folder in folders), folders


def test_the_page_names_programs_where_the_images_have_them():
    page = (ROOT / "book" / "teachers.md").read_text(encoding="utf-8")
    (program,) = set(re.findall(r"python /opt/bottleneck/(\S+)", page))
    assert (ROOT / program).exists() and "COPY classroom /opt/bottleneck/classroom" in (
        CLUSTER / "Dockerfile"
    ).read_text(encoding="utf-8")
    assert all((ROOT / path).exists() for path in re.findall(r"[` ]((?:classroom|tests)/[\w./]+\w)[` ]", page))
