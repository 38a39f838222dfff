"""Everything that must stop fix voxion/voxels with its own message."""

import subprocess
import sys

import pytest
import torch

from voxion.engines.lammps import lammps_session
from voxion.errors import VoxionError

from .voxel_harness import array, fluid, grids, lammps_program, run_commands, save_classifier

GOOD = "fix v all voxion/voxels 1 1 5 4 4 8 file {store} channels mass charge"


def refused(message: str, *commands: str) -> None:
    with pytest.raises(VoxionError, match=message):
        with lammps_session() as engine:
            run_commands(engine, *fluid(), "fix i all nve", *commands, "run 0")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1 1 5", "0 1 5", "must be at least 1, found 0 1 5"),
        ("1 1 5", "2 1 5", "Nfreq must be a multiple of Nevery"),
        ("1 1 5", "1 6 5", "Nevery times Nrepeat at most Nfreq"),
        ("1 1 5", "1 x 5", "Expected integer parameter"),
        ("4 4 8", "4 0 8", "nx, ny and nz must be at least 1, found 4 0 8"),
        ("4 4 8", "2000 2000 2000", "numbers fit a grid"),
        ("file {store}", "name {store}", "unknown keyword name; known are file"),
        ("file {store} ", "spread cic ", "keyword file .* is required"),
        ("channels mass charge", "spread cic", "keyword channels .* is required"),
        ("mass charge", "mass mass", "channel mass is named twice"),
        ("mass charge", "mass weight", "channel weight is unknown; known are mass, charge"),
        ("mass charge", "mass c_a[0]", r"channel c_a\[0\] is unknown"),
        ("mass charge", "mass v_a[1]", r"channel v_a\[1\] is unknown"),
        ("mass charge", "mass c_none", "there is no compute none"),
        ("mass charge", "mass f_none", "there is no fix none"),
        ("mass charge", "mass v_none", "variable none must be a variable of style atom"),
        ("mass charge", "mass v_equal", "variable equal must be a variable of style atom"),
        ("mass charge", "mass c_thermo_temp", "compute thermo_temp has no value per atom"),
        ("mass charge", "mass c_pos", r"compute pos has 3 columns, choose one with \[i\]"),
        ("mass charge", "mass c_pos[4]", r"compute pos has 3 columns, there is no \[4\]"),
        ("mass charge", "mass f_i", "fix i has no value per atom"),
        ("mass charge", "mass charge spread even", "spread must be ngp or cic, found even"),
        ("mass charge", "mass charge spread", "keyword spread lacks its value"),
        ("all voxion", "none voxion", "group none has no atoms"),
    ],
)
def test_commands(tmp_path, old, new, message):
    assert old in GOOD
    command = GOOD.replace(old, new).format(store=tmp_path / "a.zarr")
    refused(
        message,
        "compute pos all property/atom x y z",
        "variable equal equal step",
        "group none empty",
        command,
    )
    assert not (tmp_path / "a.zarr").exists()


def test_too_few_arguments():
    refused("fix voxion/voxels", "fix v all voxion/voxels 1 1 5 4 4 8")


def test_charges_are_needed_for_charge(tmp_path):
    commands = [c.replace("atom_style charge", "atom_style atomic") for c in fluid()]
    commands = [c for c in commands if not c.endswith((" 0.5", " -0.75"))]
    with pytest.raises(VoxionError, match="channel charge needs a charge per atom"):
        with lammps_session() as engine:
            run_commands(engine, *commands, GOOD.format(store=tmp_path / "a.zarr"), "run 0")


def test_values_that_come_too_seldom(tmp_path):
    refused(
        "fix a has values every 6 steps, Nevery 1 is no multiple",
        "fix a all ave/atom 1 1 6 vx",
        GOOD.format(store=tmp_path / "a.zarr").replace("mass charge", "f_a"),
    )


def test_respa(tmp_path):
    refused("run_style respa", "run_style respa 1", GOOD.format(store=tmp_path / "a.zarr"))


def test_values_that_are_not_finite(tmp_path):
    """The error names channel and step; the frames before it stay."""
    store = tmp_path / "a.zarr"
    with pytest.raises(VoxionError, match="at step 15: channel v_bad is not finite in voxel"):
        with lammps_session() as engine:
            run_commands(
                engine,
                *fluid(),
                "fix i all nve",
                "variable bad atom exp(1000*(step>13))",
                GOOD.format(store=store).replace("charge", "v_bad"),
                "run 30",
            )
    assert array(store, "step").tolist() == [0, 5, 10]
    assert grids(store).shape[0] == 3


def test_positions_that_are_not_finite(tmp_path):
    """A simulation that blows up ends with a word of where, not with a crash."""
    script = tmp_path / "in.bad"
    lines = [
        *fluid(),
        "neigh_modify every 10000 delay 10000 check no",
        "set atom 7 x 1.0e30",
        GOOD.format(store="a.zarr"),
        "run 0",
    ]
    script.write_text("\n".join(lines) + "\n")
    run = lammps_program(script, check=False)
    assert run.returncode != 0
    assert "ERROR" in run.stdout + run.stderr


# --- stores


def test_stores_that_differ(tmp_path):
    command = GOOD.format(store=tmp_path / "a.zarr")
    with lammps_session() as engine:
        run_commands(engine, *fluid(), "fix i all nve", command, "run 5")
    for old, new, message in (
        ("4 4 8", "4 4 4", r"a grid \(channels, nz, ny, nx\) of \[2,8,4,4\]"),
        ("mass charge", "mass number", r"channels \[\"mass\",\"charge\"\]"),
        ("v all", "v two", 'group "all"'),
        ("1 1 5", "1 2 5", "window"),
        ("mass charge", "mass charge spread cic", 'spread "ngp"'),
    ):
        refused(message, "reset_timestep 5", command.replace(old, new))
    assert array(tmp_path / "a.zarr", "step").tolist() == [0, 5]


def test_a_foreign_folder(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "notes.txt").write_text("mine")
    refused("something else than a voxel store", GOOD.format(store=tmp_path / "a.zarr"))
    assert (tmp_path / "a.zarr" / "notes.txt").read_text() == "mine"


def test_a_truncated_store(tmp_path):
    store = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(engine, *fluid(), "fix i all nve", GOOD.format(store=store), "run 5")
    chunk = store / "grid" / "c.1.0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:100])
    refused("is damaged: it has 100 bytes", "reset_timestep 5", GOOD.format(store=store))


def test_two_fixes_on_one_store(tmp_path):
    command = GOOD.format(store=tmp_path / "a.zarr")
    refused("being written by another fix", command, command.replace("fix v", "fix w"))


def test_no_such_folder(tmp_path):
    refused("nowhere/a.zarr.*No such file", GOOD.format(store=tmp_path / "nowhere" / "a.zarr"))


def in_namespace(script, mount: str) -> subprocess.CompletedProcess:
    """Run LAMMPS after a mount that only it can see."""
    probe = ["unshare", "--user", "--map-root-user", "--mount"]
    allowed = subprocess.run([*probe, "true"], capture_output=True, check=False)
    if allowed.returncode != 0:
        pytest.skip("this system does not let users mount file systems of their own")
    lmp = f"{sys.executable.rsplit('/', 1)[0]}/lmp"
    command = f"{mount} && exec {lmp} -in {script.name} -log log"
    return subprocess.run(
        [*probe, "sh", "-c", command],
        cwd=script.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk(tmp_path):
    (tmp_path / "small").mkdir()
    script = tmp_path / "in.full"
    command = GOOD.format(store="small/a.zarr").replace("4 4 8", "32 32 32")
    script.write_text("\n".join([*fluid(), "fix i all nve", command, "run 100"]) + "\n")
    mount = f"mount -t tmpfs -o size=2m none {tmp_path}/small"
    run = in_namespace(script, mount)
    text = run.stdout + run.stderr
    assert run.returncode != 0
    assert "voxel store small/a.zarr: cannot write small/a.zarr/grid/c." in text
    assert "No space left on device" in text


def test_a_read_only_folder(tmp_path):
    (tmp_path / "fixed").mkdir()
    script = tmp_path / "in.fixed"
    command = GOOD.format(store="fixed/a.zarr")
    script.write_text("\n".join([*fluid(), "fix i all nve", command, "run 100"]) + "\n")
    run = in_namespace(script, f"mount -t tmpfs -o ro none {tmp_path}/fixed")
    text = run.stdout + run.stderr
    assert run.returncode != 0
    assert "voxel store fixed/a.zarr: " in text and "Read-only file system" in text
    assert "Step" not in text  # before the first step


# --- models


class Wrong(torch.nn.Module):
    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, 5)


class NotANumber(torch.nn.Module):
    """Fails once it sees a real grid."""

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, 2) / (1.0 - grid.max())


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (None, {"channels": ["shear"]}, "needs channel shear .*, the grid has mass charge"),
        (None, {"grid": [4, 4, 4]}, "trained on grids of 4 x 4 x 4 voxels, this one has 4 x 4 x 8"),
        (None, {"labels": ["a", "b", "c"]}, "2 logits for the 3 labels"),
        (Wrong(), {}, "5 logits for the 2 labels"),
        (NotANumber(), {}, "gave a logit that is not finite"),
        (None, {"kind": "surface-charges"}, "'kind' must be 'voxel-classifier'"),
        (None, {"labels": ["a"]}, "'labels' must be a list of 2 to"),
        (None, {"normalisation": "z-score"}, "'normalisation' must be 'min-max'"),
    ],
)
def test_models_that_do_not_fit(tmp_path, module, changes, message):
    model = save_classifier(tmp_path / "m.pt", module, **changes)
    refused(message, f"{GOOD.format(store=tmp_path / 'a.zarr')} classify {model}")


def test_files_that_are_no_model(tmp_path):
    (tmp_path / "text.pt").write_text("no model")
    command = GOOD.format(store=tmp_path / "a.zarr") + " classify "
    refused("nowhere.pt cannot be read", command + "nowhere.pt")
    refused("not a whole TorchScript archive", f"{command}{tmp_path}/text.pt")
