"""Voxel grids of the running mdrun, against numpy and against LAMMPS on the same frames."""

import numpy as np
import pytest
import zarr

from tests.engines.gromacs_run import make_run_input
from tests.gromacs.harness import OPTIONS, Electrode
from tests.gromacs.test_updates import CARBONS, charge_line
from tests.lammps.voxel_harness import array, grids, save_classifier
from voxion.engines.lammps import in_group, lammps_session

SHAPE = (8, 7, 5)  # nz, ny, nx; no row of the sheet lies on a boundary
DENSITY = 1.66053906660  # kg/m^3 of a u/nm^3
BAR = 16.6053906660  # of a kJ/mol/nm^3
MASS = {"C": 12.011, "O": 15.9994, "H": 1.008, "Na": 22.98977, "Cl": 35.453}
CHARGE = {"C": -2.0 / CARBONS, "O": -0.8476, "H": 0.4238, "Na": 1.0, "Cl": -1.0}
COUNTS = {"C": CARBONS, "waters": 240, "Na": 11, "Cl": 9}


def line(window="1 1 1", channels="mass charge number", more="", group="System") -> str:
    nz, ny, nx = SHAPE
    return f"voxels {group} {window} {nx} {ny} {nz} file grids.zarr channels {channels} {more}"


def elements() -> np.ndarray:
    water = ["O", "H", "H"] * COUNTS["waters"]
    return np.array(["C"] * CARBONS + water + ["Na"] * COUNTS["Na"] + ["Cl"] * COUNTS["Cl"])


def per_atom(values: dict[str, float]) -> np.ndarray:
    return np.array([values[element] for element in elements()])


def box_of(electrode: Electrode) -> np.ndarray:
    return np.array((electrode.folder / "conf.gro").read_text().splitlines()[-1].split(), float)


def histogram(positions, values, box, periodic=(True, True, False)) -> np.ndarray:
    """Density of values on the grid [nz, ny, nx] of an orthogonal box."""
    counts = np.array(SHAPE)[::-1]
    index = np.floor(positions.astype(float) / box * counts).astype(int)
    index = np.where(periodic, index % counts, np.clip(index, 0, counts - 1))
    grid = np.zeros(SHAPE)
    np.add.at(grid, tuple(index.T[::-1]), values)
    return grid / (box.prod() / counts.prod())


def test_every_step_against_numpy(electrode, strong_model):
    electrode.grompp()
    channels = "mass charge number kinetic_xx kinetic_yz"
    electrode.jobs(charge_line(strong_model), line(channels=channels))
    run = electrode.run("md", steps=15)
    box, mass = box_of(electrode), per_atom(MASS)
    charges = np.tile(per_atom(CHARGE), (16, 1))
    charges[10:, :CARBONS] = electrode.charges()
    frames = grids(electrode.folder / "grids.zarr")
    steps = array(electrode.folder / "grids.zarr", "step").tolist()
    assert steps == list(range(1, 16))  # velocities need the step before
    assert array(electrode.folder / "grids.zarr", "time") == pytest.approx(0.002 * np.array(steps))
    for frame, step in zip(frames, steps, strict=True):
        x, v = run.positions[step], run.velocities[step].astype(float)
        expected = [
            DENSITY * histogram(x, mass, box),
            histogram(x, charges[step], box),
            histogram(x, np.ones(len(mass)), box),
            -BAR * histogram(x, mass * v[:, 0] ** 2, box),
            -BAR * histogram(x, mass * v[:, 1] * v[:, 2], box),
        ]
        for grid, reference in zip(frame[:3], expected, strict=False):
            assert grid == pytest.approx(reference, rel=1e-5, abs=1e-5)
        # positions in single precision: velocities to 1e-4 nm/ps of some 1
        for grid, reference in zip(frame[3:], expected[3:], strict=True):
            assert np.abs(grid - reference).max() < 1e-3 * np.abs(reference).max()


def test_windows_average_their_samples(electrode):
    electrode.grompp()
    electrode.jobs(line("2 3 8", "charge mass", "spread cic"))
    electrode.run("md", steps=24)
    windows = grids(electrode.folder / "grids.zarr")
    assert array(electrode.folder / "grids.zarr", "step").tolist() == [8, 16, 24]
    (electrode.folder / "grids.zarr").rename(electrode.folder / "windows.zarr")
    electrode.jobs(line("1 1 1", "charge mass", "spread cic"))
    electrode.run("md", steps=24)
    each = grids(electrode.folder / "grids.zarr").astype(float)
    expected = [each[[end - 4, end - 2, end]].mean(0) for end in (8, 16, 24)]
    assert windows == pytest.approx(np.array(expected), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("spread", ["ngp", "cic"])
def test_lammps_has_the_same_grids_of_the_same_frames(electrode, spread, tmp_path):
    electrode.grompp(nstxout=5, nstvout=5, nstfout=5)
    names = ("xx", "yy", "zz", "xy", "xz", "yz")
    kinetic = [f"kinetic_{n}" for n in names]
    electrode.jobs(line("5 1 5", " ".join(["mass charge number", *kinetic]), f"spread {spread}"))
    run = electrode.run("md", steps=20)
    gromacs = grids(electrode.folder / "grids.zarr")
    assert array(electrode.folder / "grids.zarr", "step").tolist() == [5, 10, 15, 20]
    frames = [
        in_lammps(
            tmp_path / f"{n}.zarr", box_of(electrode), spread, run.positions[n], run.velocities[n]
        )
        for n in (1, 2, 3, 4)
    ]
    # g/cm^3, e and 1 per angstrom^3, atmospheres; computes give pressure x volume
    units = np.array([1e3, 1e3, 1e3, *[1.01325] * 6]).reshape(-1, 1, 1, 1)
    for ours, theirs in zip(gromacs, frames, strict=True):
        theirs = theirs * units
        for channel in range(9):
            scale = np.abs(theirs[channel]).max()
            tolerance = 1e-5 if channel < 3 else 1e-3
            assert np.abs(ours[channel] - theirs[channel]).max() < tolerance * scale, channel


def in_lammps(store, box, spread, positions, velocities) -> np.ndarray:
    """One frame on the grid of fix voxion/voxels; positions in nm, velocities in nm/ps."""
    nz, ny, nx = SHAPE
    kinds = {element: n for n, element in enumerate(MASS, 1)}
    lx, ly, lz = 10.0 * box
    with lammps_session() as engine:
        for command in (
            *("units real", "atom_style charge", "atom_modify map yes", "boundary p p f"),
            f"region box block 0 {lx} 0 {ly} 0 {lz}",
            *("create_box 5 box", "pair_style zero 8.0"),
        ):
            engine.command(command)
        inside = 10.0 * positions.astype(float)
        inside[:, :2] %= 10.0 * box[:2]
        inside[:, 2] = np.clip(inside[:, 2], 0.0, lz)
        count = len(positions)
        types = [kinds[element] for element in elements()]
        engine.create_atoms(
            count,
            list(range(1, count + 1)),
            types,
            inside.ravel().tolist(),
            (0.01 * velocities.astype(float)).ravel().tolist(),
        )
        for element, kind in kinds.items():
            engine.command(f"mass {kind} {MASS[element]}")
            engine.command(f"set type {kind} charge {CHARGE[element]}")
        engine.command("pair_coeff * *")
        engine.command("compute k all stress/atom NULL ke")
        stresses = " ".join(f"c_k[{n}]" for n in range(1, 7))
        engine.command(
            f"fix v all voxion/voxels 1 1 1 {nx} {ny} {nz} file {store} "
            f"channels mass charge number {stresses} spread {spread}"
        )
        engine.command("run 0")
        assert in_group(engine, "all").sum() == count
    return grids(store)[0].astype(float)


def test_a_box_that_changes(gmx, tmp_path):
    """Constant pressure: voxels follow the box, and frames know it."""
    # the sheet is free here: mdrun cannot scale frozen atoms
    make_run_input(
        gmx,
        tmp_path,
        pcoupl="C-rescale",
        tau_p="0.2",
        ref_p="400",
        compressibility="4.5e-5",
        nstpcouple="5",
        nstxout="10",
        nstvout="10",
        nstfout="10",
        nsteps="100",
        freezegrps="",
        freezedim="",
        refcoord_scaling="all",
    )
    electrode = Electrode(gmx, tmp_path)
    electrode.jobs(line("10 1 10", "number mass"), head="index index.ndx\n")
    run = electrode.run("md", steps=100, common=OPTIONS)
    store = electrode.folder / "grids.zarr"
    boxes = array(store, "box")
    assert np.ptp(boxes[:, 0, 0]) > 1e-4
    import MDAnalysis

    reader = MDAnalysis.coordinates.TRR.TRRReader(str(tmp_path / "md.trr"), convert_units=False)
    edges = np.array([t.dimensions[:3].copy() for t in reader])
    assert boxes[:, [0, 1, 2], [0, 1, 2]] == pytest.approx(edges, rel=1e-6)
    for frame, x, edge in zip(grids(store), run.positions, edges, strict=True):
        expected = histogram(x, np.ones(len(x)), edge.astype(float), (True, True, True))
        assert frame[0] == pytest.approx(expected, rel=1e-5)


def test_a_classifier_in_the_run(electrode, tmp_path):
    model = save_classifier(
        tmp_path / "slab.pt", channel_units=["kg/m^3"], length_unit="angstrom", spread="cic"
    )
    electrode.grompp()
    electrode.jobs(f"voxels water 1 2 10 4 4 8 file grids.zarr channels mass classify {model}")
    run = electrode.mdrun("md", steps=20)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "was trained on grids with spread cic, this one has ngp" in run.stderr
    probability = array(electrode.folder / "grids.zarr", "probability")
    assert probability.shape == (2, 2) and probability.sum(1) == pytest.approx([1, 1])
    # what the module says of these grids
    for frame, said in zip(grids(electrode.folder / "grids.zarr"), probability, strict=True):
        mass = (frame[0] - frame[0].min()) / np.ptp(frame[0])
        profile = mass.mean((1, 2))
        logits = 10.0 * np.array([profile[:4].mean(), profile[4:].mean()])
        assert said == pytest.approx(np.exp(logits) / np.exp(logits).sum(), rel=1e-5)


def test_rerun(electrode):
    """A trajectory's frames give the grids of the run; velocities cannot be told from it."""
    electrode.grompp(nstxout=5, nstvout=5, nstfout=5)
    electrode.jobs(line("5 1 5", "mass charge"))
    electrode.run("md", steps=20)
    of_run = grids(electrode.folder / "grids.zarr")
    (electrode.folder / "grids.zarr").rename(electrode.folder / "run.zarr")
    (electrode.folder / "md.trr").rename(electrode.folder / "run.trr")
    rerun = ("-ntmpi", "1", "-ntomp", "1", "-rerun", "run.trr")
    run = electrode.mdrun("again", steps=20, common=("-s", "md.tpr", *rerun))
    assert run.returncode == 0, run.stderr[-2000:]
    assert np.array_equal(grids(electrode.folder / "grids.zarr"), of_run)
    (electrode.folder / "grids.zarr").rename(electrode.folder / "rerun.zarr")
    electrode.jobs(line("5 1 5", "mass kinetic_xx"))
    run = electrode.mdrun("again", steps=20, common=("-s", "md.tpr", *rerun))
    assert run.returncode == 1
    assert "kinetic channels need every step of a run" in " ".join(run.stderr.split())


def test_a_store_that_another_run_wrote_is_kept(electrode):
    electrode.grompp()
    electrode.jobs(line("10 1 10"))
    electrode.run("md", steps=20)
    run = electrode.mdrun("md", steps=20)
    assert run.returncode == 1
    words = " ".join(run.stderr.split())
    assert "has frames up to step 20, this run begins at step 0" in words
    assert zarr.open_group(electrode.folder / "grids.zarr", mode="r")["grid"].shape[0] == 3


def test_voxels_continue_without_what_the_run_left_of_them(electrode):
    """No charges, so nothing is wrong but a window that begins anew."""
    electrode.grompp()
    electrode.jobs(line("2 5 10"))
    electrode.run("md", steps=25)
    (electrode.folder / "voxion.dat.state").unlink()
    run = electrode.mdrun("md", "-cpi", "md.cpt", steps=15)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "windows of voxels begin anew" in run.stderr
    steps = array(electrode.folder / "grids.zarr", "step").tolist()
    assert steps == [10, 20, 40]  # that of 30 had begun before
