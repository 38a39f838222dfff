"""The graphene system for GROMACS: its files, its runs, and the forces of LAMMPS."""

import os
import re
import subprocess

import MDAnalysis
import numpy as np
import pytest

from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import gather, lammps_session, scatter
from voxion.errors import VoxionError
from voxion.systems.conditions import (
    KSPACE_ACCURACY,
    WALL_CUTOFF,
    WALL_EPSILON,
    WALL_SIGMA,
)
from voxion.systems.crystals import Crystal, CrystalCapacitor
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem
from voxion.systems.gromacs_system import kt_distance

KCAL = 4.184  # kJ/mol
KT = 8.314462618e-3 * 300.0  # kJ/mol
THICKNESS = 2.0  # nm
VARIANTS = {
    "sheet": {"total_charge": -2},
    "capacitor": {"total_charge": -3, "capacitor": True},
    "periodic": {"total_charge": 1, "boundary": "ppp", "vacuum": 30.0},
    "periodic capacitor": {"total_charge": 0, "boundary": "ppp", "capacitor": True},
}
TIGHT = {"fourierspacing": "0.05", "pme-order": "8", "ewald-rtol": "1e-6"}


def system(name):
    if name == "crystals":
        return CrystalCapacitor(
            crystal=Crystal("gold", "100", layers=2),
            upper_crystal=Crystal("graphite", layers=1),
            cells=(11, 9),
            thickness=10 * THICKNESS,
        )
    return GrapheneSystem(cells=(9, 6), molarity=1.5, thickness=10 * THICKNESS, **VARIANTS[name])


class Gromacs:
    """Runs of GROMACS in a built system's folder."""

    def __init__(self, gmx, folder, variant):
        self.gmx, self.folder, self.variant = gmx, folder, variant
        self.reference = ["-r", "restraints.gro"] * (folder / "restraints.gro").exists()

    def __call__(self, *arguments, stdin=None):
        result = subprocess.run(
            [str(self.gmx), *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        return result.stdout + result.stderr

    def run(self, name, *options, start=None, mdp=None):
        trajectory = ["-t", start] if start else []
        prepared = self(
            *("grompp", "-f", mdp or f"{name}.mdp", "-c", "conf.gro", *self.reference, *trajectory),
            *("-p", "topol.top", "-n", "index.ndx", "-o", f"{name}.tpr", "-po", "mdout.mdp"),
        )
        self("mdrun", "-ntmpi", 1, "-ntomp", 1, "-deffnm", name, *options)
        return prepared

    def point(self, name, start, **changes):
        """Energy (kJ/mol), positions (nm) and forces (kJ/mol/nm) of one configuration."""
        text = (self.folder / "md.mdp").read_text()
        changes = {"nsteps": 0, "dt": 0.0005, **changes}  # a step that flexible water allows
        for option, value in changes.items():
            text, found = re.subn(rf"(?m)^{option} .*$", f"{option} = {value}", text)
            assert found == 1
        # flexible water: constraints would change positions, and hide forces
        text += "define = -DFLEXIBLE\nnstxout = 1\nnstfout = 1\nnstcalcenergy = 1\n"
        (self.folder / f"{name}.mdp").write_text(text)
        self.run(name, start=start)
        trajectory = str(self.folder / f"{name}.trr")
        frame = MDAnalysis.coordinates.TRR.TRRReader(trajectory, refresh_offsets=True).ts
        return self.mean(name, "Potential"), frame.positions / 10.0, frame.forces * 10.0

    def mean(self, name, term):
        """Time average of an energy term."""
        return self.series(name, term).mean()

    def series(self, name, term):
        self("energy", "-f", f"{name}.edr", "-o", f"{name}.xvg", "-dp", stdin=f"{term}\n\n")
        rows = np.loadtxt(self.folder / f"{name}.xvg", comments=["#", "@"], ndmin=2)
        return rows[:, 1]


def index_of(path):
    """Groups of an index file, atom numbers from 0."""
    sections = re.findall(r"\[ (\S+) \]([^\[]*)", path.read_text())
    return {name: np.array(numbers.split(), int) - 1 for name, numbers in sections}


@pytest.fixture(scope="module", params=[*VARIANTS, "crystals"])
def ran(request, gmx, tmp_path_factory):
    """A built system, minimised, equilibrated and run by the commands of its README."""
    folder = tmp_path_factory.mktemp("gromacs") / "system"
    description = system(request.param).build(folder, seed=3, engine="gromacs")
    gromacs = Gromacs(gmx, folder, request.param)
    prepared = [
        gromacs.run("em"),
        gromacs.run("equilibrate", "-nsteps", 600, start="em.trr"),
        gromacs.run("md", "-nsteps", 200, start="equilibrate.cpt"),
    ]
    return description, gromacs, prepared


def test_files_are_the_system_of_lammps(tmp_path):
    for name in (*VARIANTS, "crystals"):
        for engine in ("gromacs", "lammps"):
            system(name).build(tmp_path / name / engine, seed=3, engine=engine)
        data = MDAnalysis.Universe(
            str(tmp_path / name / "lammps" / "system.data"), atom_style="id resid type charge x y z"
        )
        gro = MDAnalysis.Universe(str(tmp_path / name / "gromacs" / "conf.gro"))
        # float32 in MDAnalysis
        raised = gro.atoms.positions - [0.0, 0.0, system(name).lower.depth]
        np.testing.assert_allclose(raised, data.atoms.positions, atol=4e-6)
        assert list(gro.atoms.resids) == list(data.atoms.resids)
        description = load_system(tmp_path / name / "gromacs", "gromacs")
        other = load_system(tmp_path / name / "lammps")
        assert gro.dimensions[2] == pytest.approx(description.box_z[1])
        heights = [(s.box_z[1] - s.box_z[0]) * (s.slab_factor or 1.0) for s in (description, other)]
        assert heights[0] == pytest.approx(heights[1], rel=1e-6)  # of the Ewald box
        same = {"engine", "box_z", "slab_factor"}
        assert description.model_dump(exclude=same) == other.model_dump(exclude=same)


def test_index_has_the_groups_of_lammps(tmp_path):
    system("capacitor").build(tmp_path / "g", seed=3, engine="gromacs")
    system("capacitor").build(tmp_path / "l", seed=3)
    groups = index_of(tmp_path / "g" / "index.ndx")
    names = MDAnalysis.Universe(str(tmp_path / "g" / "conf.gro")).atoms.names
    assert list(groups["System"]) == list(range(len(names)))
    assert set(names[groups["water"]]) == {"OW", "HW1", "HW2"}
    assert set(names[groups["ions"]]) == {"Na", "Cl"}
    with lammps_session() as engine:
        load_configuration(engine, tmp_path / "l", tmp_path / "l" / "system.data")
        mask, known = gather(engine, "mask"), engine.available_ids("group")
    for name in ("surface", "lower", "upper", "electrolyte"):
        members = np.flatnonzero((mask >> known.index(name)) & 1)
        assert list(groups[name]) == list(members)


def test_no_warnings(ran):
    _, _, prepared = ran
    for text in prepared:
        assert not re.search(r"WARNING \d", text)
        notes = re.findall(r"NOTE \d+ \[.*\]:\n\s*(.*)", text)
        # the sheet has no bonds; vacuum costs mesh
        known = ("In moleculetype", "The optimal PME mesh load")
        assert all(note.startswith(known) for note in notes), notes
        assert "non-zero total charge" not in text


def test_run_is_sound(ran):
    description, gromacs, _ = ran
    assert gromacs.mean("md", "Temperature") == pytest.approx(300.0, abs=40.0)
    assert gromacs.mean("md", "Potential") < -8.0 * KCAL * description.waters
    conserved = gromacs.series("md", "Conserved")
    assert len(conserved) > 1 and np.ptp(conserved) < 1e-3 * abs(conserved[0])
    start = MDAnalysis.Universe(str(gromacs.folder / "conf.gro"))
    _, positions, _ = gromacs.point("last", "md.cpt")
    groups = index_of(gromacs.folder / "index.ndx")
    face = system(gromacs.variant).lower.depth / 10
    surface, z = groups["surface"], positions[groups["electrolyte"], 2] - face
    moved = 10.0 * positions[surface] - start.atoms[surface].positions
    box = start.dimensions[:3]  # an atom at 0 may be written at the other face
    assert np.abs(moved - np.round(moved / box) * box).max() < 1e-5
    assert z.min() > 0.1 and z.max() < THICKNESS - 0.1


def test_molecules_and_charges_are_those_described(ran):
    description, gromacs, _ = ran
    universe = MDAnalysis.Universe(str(gromacs.folder / "md.tpr"))
    charges, types = universe.atoms.charges, universe.atoms.types
    assert charges.sum() == pytest.approx(0.0, abs=1e-6)
    first = 0
    for surface in description.surfaces:
        atoms = slice(first, first := first + surface.atoms)
        assert set(types[atoms]) == {surface.element}
        sheet = charges[atoms]
        assert sheet.sum() == pytest.approx(surface.charge, abs=1e-6)
        assert np.all(sheet != 0.0)  # else the pair search leaves their charges out for good
    assert types[first] == "O"
    for species in description.species:
        assert (types == species.name).sum() == species.count
        assert charges[types == species.name] == pytest.approx(species.charge)


@pytest.fixture(scope="module")
def lammps_twin(ran, tmp_path_factory):
    """The same system for LAMMPS."""
    folder = tmp_path_factory.mktemp("lammps") / "system"
    system(ran[1].variant).build(folder, seed=3)
    return folder


def lammps_point(folder, positions):
    """Energy and forces of LAMMPS without its wall, in GROMACS's units."""
    with lammps_session() as engine:
        load_configuration(engine, folder, folder / "system.data")
        slab = load_system(folder).slab_factor
        if "wall" in engine.available_ids("fix"):
            engine.command("unfix wall")
        engine.command("kspace_style pppm 1e-7")
        engine.command(f"kspace_modify order 7{f' slab {slab}' if slab else ''}")
        scatter(engine, "x", 10.0 * positions)
        engine.command("run 0")
        return engine.get_thermo("pe") * KCAL, gather(engine, "f") * 10.0 * KCAL


def upper_wall(description, z):
    """Energy and forces of what stands for LAMMPS's wall."""
    distance = kt_distance() / 10
    if description.periodic[2]:
        begin = THICKNESS - WALL_CUTOFF / 10
        stiffness = 2 * KT / (WALL_CUTOFF / 10 - distance) ** 2
        beyond = np.maximum(z - begin, 0.0)
        return 0.5 * stiffness * beyond**2, -stiffness * beyond
    r = THICKNESS - z
    energy = KT * (distance / r) ** 12
    return energy, -12 * energy / r


@pytest.mark.parametrize("start", [None, "md.cpt"], ids=["packed", "run"])
def test_forces_and_energy_are_those_of_lammps(ran, lammps_twin, start):
    description, gromacs, _ = ran
    energy, positions, forces = gromacs.point("tight", start, **TIGHT)
    positions = positions.astype(float)
    if description.periodic[2]:  # the sheet at 0 may be written at the other face
        positions[positions[:, 2] > description.box_z[1] / 10 - 0.1, 2] = 0.0
    positions[:, 2] -= system(gromacs.variant).lower.depth / 10  # as LAMMPS counts them
    expected_energy, expected = lammps_point(lammps_twin, positions)
    if not description.capacitor:
        electrolyte = index_of(gromacs.folder / "index.ndx")["electrolyte"]
        wall_energy, wall = upper_wall(description, positions[electrolyte, 2])
        assert start or wall_energy.max() > KT  # the packed start feels it
        expected[electrolyte, 2] += wall
        expected_energy += wall_energy.sum()
    scale = np.sqrt(np.mean(expected**2))
    assert np.sqrt(np.mean((forces - expected) ** 2)) < 5e-5 * scale
    assert np.abs(forces - expected).max() < 5e-4 * scale
    assert energy == pytest.approx(expected_energy, rel=2e-5)


def test_long_range_forces_are_as_accurate_as_those_of_lammps(ran):
    _, gromacs, _ = ran
    forces, exact = (
        gromacs.point(name, "md.cpt", **changes)[2]
        for name, changes in (("plain", {}), ("exact", TIGHT))
    )
    error = np.sqrt(np.mean(np.sum((forces - exact) ** 2, axis=1)))
    assert error < KSPACE_ACCURACY * 332.06371 * KCAL * 10.0


def test_wall_has_kt_where_that_of_lammps_has():
    with lammps_session() as engine:
        for command in (
            "units real",
            "boundary p p f",
            "region box block 0 20 0 20 0 20",
            "create_box 1 box",
            "mass 1 1.0",
            "pair_style zero 5.0",
            "pair_coeff * *",
            f"create_atoms 1 single 5.0 5.0 {20.0 - kt_distance()}",
            f"fix wall all wall/lj93 zhi 20.0 {WALL_EPSILON} {WALL_SIGMA} {WALL_CUTOFF}",
            "run 0",
        ):
            engine.command(command)
        energy, force = engine.extract_fix("wall", 0, 0), gather(engine, "f")[0, 2]
    assert energy * KCAL == pytest.approx(KT, rel=1e-5)
    assert -12 * KT / kt_distance() == pytest.approx(force * KCAL, rel=0.25)  # the slope


def test_wrong_engine_and_small_sheet(tmp_path):
    with pytest.raises(VoxionError, match="must be one of lammps, gromacs; found 'namd'"):
        system("sheet").build(tmp_path / "s", engine="namd")
    small = GrapheneSystem(cells=(6, 4), thickness=20.0, total_charge=0)
    with pytest.raises(VoxionError, match=r"14\.8 x 17\.0 A; for GROMACS .* at least 22 A"):
        small.build(tmp_path / "s", engine="gromacs")
    assert not (tmp_path / "s").exists()


def test_engines_are_not_mixed_up(tmp_path):
    system("sheet").build(tmp_path / "g", seed=3, engine="gromacs")
    with pytest.raises(VoxionError, match="holds a system for gromacs, where one for lammps"):
        load_system(tmp_path / "g")
