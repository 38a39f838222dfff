"""Membranes: residues, charges, packing, and the same energies in LAMMPS and GROMACS."""

import csv
import os
import re
import subprocess

import MDAnalysis
import numpy as np
import pytest
import yaml
from rdkit import Chem
from typer.testing import CliRunner

from voxion.activity.data.polymers import read_molecule
from voxion.cli.app import app
from voxion.engines.lammps import gather, lammps_session, run_lammps
from voxion.errors import VoxionError
from voxion.systems.membrane import parameters
from voxion.systems.membrane.amber_tools import tools_version
from voxion.systems.membrane.chain import make_chain
from voxion.systems.membrane.description import read_membrane
from voxion.systems.membrane.fixed_charges import (
    charged_atoms,
    charged_centres,
    kinds_of_groups,
)
from voxion.systems.membrane.parameters import (
    parametrise,
    read_residues,
    write_residues,
)
from voxion.systems.membrane.residues import cut
from voxion.systems.membrane.ring_spearing import speared_rings
from voxion.systems.membrane.system import MembraneSystem
from voxion.trajectories.opening import open_trajectory

KCAL = 4.184  # kJ/mol
SULFONATE, ALCOHOL = "[*]CC([*])S(=O)(=O)[O-]", "[*]CC([*])O"
POLYMER = f"random: {SULFONATE} x 2 + {ALCOHOL} x 2; seed 1"
STYRENE = "[*]CC([*])c1ccccc1"
NACL = "[Na+].[Cl-]"
# An oligomer whose macrocycle is a cross-link, and one of aromatic rings that share no saturated
# carbon.
CROSS_LINKED = "CC1CC(C)(C(=O)OCCOC(=O)C(C)(CC(C)C(=O)[O-])CC(C)CC1)C"
AROMATIC = "block: [*]Oc1ccc(cc1S(=O)(=O)[O-])Oc1ccc(cc1)C(=O)c1ccc([*])cc1 x 3"


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("residues")


def molecule(text):
    return read_molecule(text, "polymer")


def membrane(cache, polymer=POLYMER, salt=NACL, water=4.0, **options):
    return MembraneSystem(
        "copolymer",
        molecule(polymer),
        molecule(salt),
        water,
        **{"target_edge": 22.0, "cache": cache, **options},
    )


@pytest.fixture(scope="module")
def built(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("membranes") / "copolymer"
    membrane(cache, salt_units=2).build(folder, seed=3)
    return folder


class TestResidues:
    @pytest.mark.parametrize("text", [POLYMER, CROSS_LINKED, AROMATIC])
    def test_each_atom_is_in_one_residue_and_charges_stay_where_they_are(self, text):
        whole = molecule(text)
        residues = cut(whole)
        assert sorted(i for r in residues for i in r.atoms) == list(range(whole.GetNumAtoms()))
        for residue in residues:
            capped = Chem.MolFromSmiles(residue.smiles)
            for atom, place in zip(residue.atoms, residue.places, strict=True):
                own, there = whole.GetAtomWithIdx(atom), capped.GetAtomWithIdx(place)
                assert own.GetSymbol() == there.GetSymbol()
                assert own.GetFormalCharge() == there.GetFormalCharge()
                assert own.GetTotalNumHs() == there.GetTotalNumHs()
            formal = sum(whole.GetAtomWithIdx(i).GetFormalCharge() for i in residue.atoms)
            assert Chem.GetFormalCharge(capped) == formal

    def test_longer_chains_and_other_sequences_have_the_same_residues(self):
        short, longer = (
            {
                r.smiles
                for r in cut(molecule(f"random: {SULFONATE} x {n} + {STYRENE} x {n}; seed 5"))
            }
            for n in (8, 40)
        )
        assert len(longer) <= len(short) + 2 <= 8
        assert {s for s in short if s.count("CC") > 1} <= longer | short

    def test_of_published_oligomers(self, shared_data):
        with (shared_data / "iem-activity" / "molecules.csv").open() as stream:
            rows = [row for row in csv.DictReader(stream) if row["kind"] == "polymer"]
        assert len(rows) == 13
        for row in rows:
            whole = molecule(row["smiles"])
            residues = cut(whole)
            assert sum(len(r.atoms) for r in residues) == whole.GetNumAtoms()
            sizes = [Chem.AddHs(Chem.MolFromSmiles(r.smiles)).GetNumAtoms() for r in residues]
            assert max(sizes) <= 50, row["name"]


class TestCharges:
    def test_residue_is_computed_once(self, cache, monkeypatch):
        smiles = Chem.CanonSmiles("CCS(=O)(=O)[O-]")
        first = parametrise(smiles, cache)
        charges = sum(a.charge for a in first.atoms)
        charges += 3 * first.atoms[0].hydrogen_charge + 2 * first.atoms[1].hydrogen_charge
        assert charges == pytest.approx(-1, abs=0.01)
        assert [a.type for a in first.atoms] == ["c3", "c3", "s6", "o", "o", "o"]
        assert first.method == f"GAFF2, AM1-BCC, AmberTools {tools_version()}"
        monkeypatch.setattr(parameters, "run_program", None)
        assert parametrise(smiles, cache) == first

    def test_charges_of_the_chain_are_nearly_those_of_the_whole_molecule(self, cache):
        whole = molecule(f"block: {SULFONATE} x 1 + {ALCOHOL} x 3")
        residues = cut(whole)
        assert len(residues) > 2
        chain = make_chain(
            whole, residues, {r.smiles: parametrise(r.smiles, cache) for r in residues}
        )
        assert chain.charges.sum() == pytest.approx(chain.charge, abs=1e-12)
        canonical = Chem.MolToSmiles(whole)
        reference = parametrise(canonical, cache)
        at_once = make_chain(
            Chem.MolFromSmiles(canonical),
            [
                type(residues[0])(tuple(range(n)), canonical, tuple(range(n)))
                for n in [len(reference.atoms)]
            ],
            {canonical: reference},
        )
        # the same atoms in the same order, since a SMILES keeps its own
        order = Chem.MolFromSmiles(canonical).GetSubstructMatch(whole)
        heavy = [i for r in residues for i in r.atoms]
        ours = chain.charges[[a.GetAtomicNum() > 1 for a in chain.molecule.GetAtoms()]]
        theirs = at_once.charges[[a.GetAtomicNum() > 1 for a in at_once.molecule.GetAtoms()]]
        difference = ours - theirs[[order[i] for i in heavy]]
        assert np.abs(difference).mean() < 0.03
        assert np.abs(theirs).mean() > 0.2

    def test_own_charges_go_before(self, cache, tmp_path):
        smiles = Chem.CanonSmiles("CCS(=O)(=O)[O-]")
        found = parametrise(smiles, cache)
        own = found.model_copy(update={"method": "my own"})
        write_residues(tmp_path / "own.yaml", [own])
        given = read_residues(tmp_path / "own.yaml")
        assert parametrise(smiles, cache, given).method == "my own"

    @pytest.mark.parametrize(
        ("smiles", "message"),
        [
            ("C[Si](C)(C)C", "residue C.Si.*no parameters of Si"),
            ("C[CH]C", "unpaired electrons"),
            ("C" * 60, "182 atoms with its surroundings, too many for AM1"),
        ],
    )
    def test_refused(self, smiles, message, tmp_path):
        with pytest.raises(VoxionError, match=message):
            parametrise(Chem.CanonSmiles(smiles), tmp_path)

    def test_failing_program_leaves_its_log(self, tmp_path):
        with pytest.raises(VoxionError, match=r"AM1-BCC charges.*antechamber failed") as error:
            parametrise("[H+]", tmp_path)
        (kept,) = tmp_path.glob("failed-*")
        assert str(kept) in str(error.value)
        assert (kept / "antechamber.log").read_text()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"smiles": "S(CC)(=O)(=O)[O-]"}, "canonical SMILES"),
            ({"atoms": 5}, "5 atoms for a SMILES of 6"),
            ({"hydrogen": None}, "atom 1, C, has 3 hydrogen"),
            ({"charge": float("nan")}, "charge"),
            ({"charge": 0.5}, r"the charges of its atoms add up to -0\.\d+ e, expected -1"),
        ],
    )
    def test_damaged_charges(self, cache, tmp_path, change, message):
        found = parametrise(Chem.CanonSmiles("CCS(=O)(=O)[O-]"), cache).model_dump()
        found["smiles"] = change.get("smiles", found["smiles"])
        found["atoms"] = found["atoms"][: change.get("atoms", 6)]
        if "hydrogen" in change:
            found["atoms"][0]["hydrogen_type"] = None
        found["atoms"][0]["charge"] = change.get("charge", found["atoms"][0]["charge"])
        (tmp_path / "r.yaml").write_text(yaml.safe_dump({"residues": [found]}))
        with pytest.raises(VoxionError, match=message):
            read_residues(tmp_path / "r.yaml")


class TestRingSpearing:
    HEXAGON = np.array([[np.cos(a), np.sin(a), 0.0] for a in np.arange(6) * np.pi / 3]) * 1.4

    @pytest.mark.parametrize("shift", [0.0, 9.5, -0.3])
    @pytest.mark.parametrize(("at", "speared"), [((0.3, 0.2), True), ((1.6, 0.0), False)])
    def test_bond_through_a_ring(self, shift, at, speared):
        edge = 10.0
        bond = np.array([[*at, -0.7], [*at, 0.8]])
        positions = np.mod(np.vstack([self.HEXAGON, bond]) + 5.0 + shift, edge)
        found = speared_rings(positions, edge, np.array([[0, 1], [6, 7]]), [range(6)])
        assert found == ([(0, 1)] if speared else [])

    def test_bond_that_ends_before_the_ring(self):
        bond = np.array([[0.3, 0.2, 0.4], [0.3, 0.2, 1.9]])
        positions = np.vstack([self.HEXAGON, bond]) + 5.0
        assert speared_rings(positions, 10.0, np.array([[6, 7]]), [range(6)]) == []


class TestFiles:
    def test_contents(self, built):
        system = read_membrane(built / "system.json")
        chains = system.chains
        assert system.tethered == 2 * chains
        assert system.waters == 8 * chains
        assert {(i.name, i.count) for i in system.ions} == {
            ("[Na+]", 2 * chains + 2),
            ("[Cl-]", 2),
        }
        universe = MDAnalysis.Universe(built / "system.gro")
        selections = system.selections
        assert len(universe.select_atoms(selections.counter_ion)) == 2 * chains + 2
        assert len(universe.select_atoms(selections.water)) == 8 * chains
        # the oxygens of the sulfonates
        tethered = universe.select_atoms(selections.tethered)
        assert len(tethered) == 6 * chains and selections.atoms_per_charge == 3
        assert set(tethered.names.astype("U1")) == {"O"}

    def test_same_seed_same_files(self, built, cache, tmp_path):
        membrane(cache, salt_units=2).build(tmp_path / "again", seed=3)
        for path in built.iterdir():
            assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name

    def test_topology_is_parmeds(self, built):
        import parmed

        theirs = parmed.load_file(str(built / "system.top"), xyz=str(built / "system.gro"))
        header = (built / "system.data").read_text().split("Atom Type Labels")[0]
        counts = {name: int(n) for n, name in re.findall(r"^(\d+) (\w+)$", header, re.MULTILINE)}
        waters = sum(residue.name == "WAT" for residue in theirs.residues)
        assert waters == read_membrane(built / "system.json").waters
        # AMBER's water has a bond between the hydrogens where LAMMPS's has an angle
        assert counts["bonds"] == len(theirs.bonds) - waters
        assert counts["angles"] == len(theirs.angles) + waters
        impropers = sum(d.improper for d in theirs.dihedrals)
        assert counts.get("impropers", 0) == impropers
        assert counts["dihedrals"] == len(theirs.dihedrals) - impropers
        with lammps_session() as engine:
            engine.file(str(built / "in.init"))
            engine.command(f"read_data {built / 'system.data'}")
            charges = gather(engine, "q")
        assert charges == pytest.approx([atom.charge for atom in theirs.atoms], abs=2e-8)
        assert abs(charges.sum()) < 1e-9

    def test_energies_of_lammps_and_gromacs(self, built, gmx, tmp_path):
        ours, theirs = lammps_energies(built), gromacs_energies(built, gmx, tmp_path)
        assert set(ours) == set(theirs)
        for term, energy in ours.items():
            assert theirs[term] == pytest.approx(energy, rel=1e-5), term


def lammps_energies(folder):
    """Terms in kJ/mol, without the dispersion correction."""
    with lammps_session() as engine:
        cwd = os.getcwd()
        os.chdir(folder)
        try:
            for line in (
                "include in.init",
                "read_data system.data",
                "include in.settings",
                "pair_modify tail no",
                "kspace_style ewald 1.0e-8",
                "thermo_style custom step ebond eangle edihed eimp evdwl ecoul elong",
                "run 0",
            ):
                engine.command(line)
        finally:
            os.chdir(cwd)
        thermo = {
            name: KCAL * engine.get_thermo(name)
            for name in ("ebond", "eangle", "edihed", "eimp", "evdwl", "ecoul", "elong")
        }
    return {
        "bonds": thermo["ebond"],
        "angles": thermo["eangle"],
        "dihedrals": thermo["edihed"],
        "Lennard-Jones": thermo["evdwl"],
        "Coulomb": thermo["ecoul"] + thermo["elong"],
    } | ({"impropers": thermo["eimp"]} if thermo["eimp"] else {})


def gromacs_energies(folder, gmx, tmp_path):
    """Terms in kJ/mol, in double precision: the sums of pairs cancel."""
    double = gmx.with_name("gmx_d")
    if not double.exists():
        pytest.skip("no GROMACS of double precision")
    (tmp_path / "e.mdp").write_text(
        "integrator = md\nnsteps = 0\ncutoff-scheme = Verlet\ncoulombtype = PME\nrcoulomb = 1.0\n"
        "rvdw = 1.0\nDispCorr = no\nvdw-modifier = None\ncoulomb-modifier = None\n"
        "ewald-rtol = 1e-7\nfourierspacing = 0.06\npme-order = 8\ncontinuation = yes\n"
        "define = -DFLEXIBLE\n"
    )
    files = "-f e.mdp -o e.tpr -maxwarn 3".split()
    system = ["-c", folder / "system.gro", "-p", folder / "system.top"]
    gromacs(double, tmp_path, "grompp", *files, *system)
    gromacs(
        double, tmp_path, *"mdrun -s e.tpr -ntmpi 1 -ntomp 1 -deffnm e -rerun".split(), system[1]
    )
    output = gromacs(
        double,
        tmp_path,
        *"energy -f e.edr -o e.xvg".split(),
        stdin="\n".join(map(str, range(1, 14))),
    )
    row = (tmp_path / "e.xvg").read_text().splitlines()
    names = [line.split('"')[1] for line in row if re.match(r"@ s\d+ legend", line)]
    found = dict(zip(names, map(float, row[-1].split()[1:]), strict=True))
    assert "Coul. recip." in found, output
    terms = {
        "bonds": found["Bond"],
        "angles": found["Angle"],
        "dihedrals": found["Proper Dih."],
        "Lennard-Jones": found["LJ-14"] + found["LJ (SR)"],
        "Coulomb": found["Coulomb-14"] + found["Coulomb (SR)"] + found["Coul. recip."],
    }
    improper = found.get("Per. Imp. Dih.") or found.get("Improper Dih.")
    return terms | ({"impropers": improper} if improper else {})


def gromacs(program, folder, *arguments, stdin=None):
    result = subprocess.run(
        [str(program), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


class TestRuns:
    SHORT = {"scale": 0.0004, "block": 500, "blocks": 2}  # noqa: RUF012

    def test_from_the_packed_start_to_configurations(self, built, tmp_path):
        folder = copied(built, tmp_path)
        run_lammps(
            folder / "in.equilibrate",
            variables={**self.SHORT, "density_tolerance": 10, "gyration_tolerance": 10},
            log="equilibrate.log",
        )
        log = (folder / "equilibrate.log").read_text()
        assert "settled at" in log
        assert (folder / "equilibrated.data").exists()
        run_lammps(folder / "in.production", variables={"frames": 2, "every": 10}, log="p.log")
        run_lammps(folder / "in.production", variables={"frames": 4, "every": 10}, log="p.log")
        assert len(list((folder / "frames").iterdir())) == 5
        opened = open_trajectory(folder / "system.gro", *sorted((folder / "frames").iterdir()))
        universe = opened.universe
        water = universe.select_atoms("resname WAT")
        assert len(universe.trajectory) == 5
        lengths = [
            MDAnalysis.lib.distances.calc_bonds(
                water.select_atoms("name O").positions,
                water.select_atoms("name H1").positions,
                box=step.dimensions,
            )
            for step in universe.trajectory
        ]
        assert np.concatenate(lengths) == pytest.approx(1.0, abs=2e-3)

    def test_box_that_has_not_settled_says_so_and_goes_on(self, built, tmp_path):
        folder = copied(built, tmp_path)
        strict = {**self.SHORT, "density_tolerance": 1e-12}
        with pytest.raises(
            VoxionError, match=r"still changes after 2 blocks.*run in.equilibrate again"
        ):
            run_lammps(folder / "in.equilibrate", variables=strict, log="first.log")
        assert not (folder / "equilibrated.data").exists()
        loose = {**self.SHORT, "density_tolerance": 10, "gyration_tolerance": 10}
        run_lammps(folder / "in.equilibrate", variables=loose, log="second.log")
        second = (folder / "second.log").read_text()
        steps = [int(n) for n in re.findall(r"^ +(\d+) +[\d.]+ ", second, re.MULTILINE)]
        total = int(re.search(r"for (\d+) steps", (folder / "first.log").read_text()).group(1))
        assert min(steps) > total  # nothing of the first run is repeated
        assert (folder / "equilibrated.data").exists()

    def test_box_that_explodes_is_stopped(self, built, tmp_path):
        folder = copied(built, tmp_path)
        text = (folder / "in.dynamics").read_text()
        (folder / "in.dynamics").write_text(text + "velocity all create 20000 1 loop geom\n")
        with pytest.raises(VoxionError, match="ERROR"):
            run_lammps(folder / "in.equilibrate", variables=self.SHORT, log="equilibrate.log")
        assert not (folder / "equilibrated.data").exists()

    def test_gromacs_equilibrates_and_continues(self, built, gmx, tmp_path):
        folder = copied(built, tmp_path)
        path = f"{gmx.parent}:{os.environ['PATH']}"
        command = ["sh", "equilibrate.sh", "0.0004"]

        def equilibrate():
            return subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )

        done = equilibrate()
        assert done.returncode == 0, done.stderr[-2000:]
        assert (folder / "step-21.gro").exists()
        for finished in folder.glob("step-21.*"):
            finished.unlink()
        before = (folder / "step-20.gro").stat().st_mtime_ns
        assert equilibrate().returncode == 0
        assert (folder / "step-20.gro").stat().st_mtime_ns == before
        assert (folder / "step-21.gro").exists()


def copied(built, tmp_path):
    import shutil

    return shutil.copytree(built, tmp_path / "run")


class TestWrongInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"water": 0.0}, "water content must be a number of molecules per fixed charge over 0"),
            ({"water": float("nan")}, "water content"),
            ({"salt": "[Na+].[K+].[Cl-].[Cl-]"}, "one kind of cation and one of anion"),
            ({"salt": "[Na+].[Na+].[Cl-]"}, "one kind of cation and one of anion and no charge"),
            ({"polymer": f"block: {ALCOHOL} x 4"}, "the polymer has no charge"),
            (
                {"salt": "[Ca+2].[Cl-].[Cl-]", "polymer": "CC(C)CS(=O)(=O)[O-]", "chains": 75},
                "take a multiple of 2",
            ),
            ({"target_edge": 1e5}, "1000 angstrom at most"),
            ({"chains": 1}, "take more chains"),
            ({"salt_units": -1}, "no negative number of salt"),
        ],
    )
    def test_refused(self, cache, options, message):
        with pytest.raises(VoxionError, match=message):
            membrane(cache, **options)

    def test_unknown_ion(self, cache, tmp_path):
        with pytest.raises(
            VoxionError, match=r"no parameters of the ion \[Ag\+\]; known are Li1\+"
        ):
            membrane(cache, salt="[Ag+].[Cl-]").build(tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_command(self, cache, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
        out = tmp_path / "out"
        options = ["systems", "membrane", "--polymer", POLYMER, "--water", "4", "--edge", "22"]
        result = CliRunner().invoke(app, [*options, "--salt", NACL, "--out", str(out)])
        assert result.exit_code == 0, result.output
        assert "fixed charges" in result.output
        assert (out / "system.json").exists()
        assert list((tmp_path / "home" / "voxion" / "residues").glob("*.json"))


def test_charged_centres():
    sulfonate, ammonium = Chem.MolFromSmiles("CS(=O)(=O)[O-]"), Chem.MolFromSmiles("C[N+](C)(C)C")
    nitro = Chem.MolFromSmiles("C[N+](=O)[O-]")
    assert charged_centres(sulfonate) == [1]
    assert charged_centres(ammonium) == [1]
    assert charged_centres(nitro) == []
    assert charged_atoms(sulfonate) == [2, 3, 4]
    assert charged_atoms(ammonium) == [1]


@pytest.mark.parametrize(
    ("smiles", "kind"),
    [
        ("c1ccccc1S(=O)(=O)[O-]", "sulfonate"),
        ("CCOS(=O)(=O)[O-]", "sulfate ester"),
        ("CC(=O)[O-]", "carboxylate"),
        ("CC[N+](C)(C)C", "quaternary ammonium"),
        ("CC[NH3+]", "ammonium with hydrogen"),
        ("C[n+]1ccccc1", "pyridinium"),
        ("C[n+]1ccn(C)c1", "imidazolium"),
        ("CC[P+](C)(C)C", "phosphonium"),
        ("C[Se-]", "group of C with Se around it"),
    ],
)
def test_kinds_of_groups(smiles, kind):
    assert kinds_of_groups(Chem.MolFromSmiles(smiles)) == {kind}
