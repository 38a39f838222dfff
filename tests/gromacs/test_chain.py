"""PLUMED behind voxion's kernel: a kernel of PLUMED's interface that puts a bias on one atom."""

import ctypes
import subprocess
from pathlib import Path

from tests.gromacs.harness import deviation
from tests.gromacs.test_updates import charge_line
from voxion.engines.build import plugin_folder
from voxion.engines.mdrun import KERNEL

ATOM = 218  # an oxygen, from 0
STIFFNESS = 500.0  # kJ/mol/nm^2

# A harmonic restraint to the origin's plane z = 1 nm, through nothing but PLUMED's interface; and
# a table of the calls.
SOURCE = """
#include <cstdio>
#include <cstring>
#include <cstddef>
struct Pointer { const void *data; std::size_t n; const std::size_t *shape; std::size_t flags;
                 const void *opt; };
struct Handler { void *context; void (*report)(void *, int, const char *, const void *); };
struct Kernel { float *x = nullptr, *f = nullptr, *q = nullptr; long step = 0; int precision = 0;
                std::FILE *calls = nullptr; };
static void *create() { return new Kernel; }
static void cmd(void *, const char *, const void *) {}
static void finalize(void *p) {
  auto *k = static_cast<Kernel *>(p);
  std::fprintf(k->calls, "finalize\\n");
  std::fclose(k->calls);
  delete k;
}
static void command(void *p, const char *key, Pointer v, Handler handler) {
  auto *k = static_cast<Kernel *>(p);
  auto *reals = static_cast<float *>(const_cast<void *>(v.data));
  if (!std::strcmp(key, "setRealPrecision")) k->precision = *static_cast<const int *>(v.data);
  if (!std::strcmp(key, "setPlumedDat"))
    k->calls = std::fopen(static_cast<const char *>(v.data), "w");
  if (!std::strcmp(key, "getApiVersion")) *static_cast<int *>(const_cast<void *>(v.data)) = 10;
  if (!std::strcmp(key, "setStepLong")) k->step = *static_cast<const long *>(v.data);
  if (!std::strcmp(key, "setPositions")) k->x = reals;
  if (!std::strcmp(key, "setForces")) k->f = reals;
  if (!std::strcmp(key, "setCharges")) k->q = reals;
  if (!std::strcmp(key, "performCalc")) {
    if (k->precision != 4) handler.report(handler.context, 20200, "no precision", nullptr);
    k->f[3 * ATOM + 2] -= STIFFNESS * (k->x[3 * ATOM + 2] - 1.0f);
    if (MEDDLES && k->step == 5) k->q[2] += 0.25f;
    if (FAILS && k->step == 5)
      handler.report(handler.context, 20200, "the bias is undefined", nullptr);
  }
  if (k->calls) std::fprintf(k->calls, "%s\\n", key);
}
struct Table { int version; void *(*create)(); void (*cmd)(void *, const char *, const void *);
  void (*finalize)(void *); void *unused[2];
  void (*command)(void *, const char *, Pointer, Handler);
  void *references[3]; };
extern "C" { extern const Table plumed_symbol_table;
const Table plumed_symbol_table{3, create, cmd, finalize, {}, command, {}}; }
"""


def build_kernel(folder: Path, meddles: bool = False, fails: bool = False) -> Path:
    source, library = folder / "kernel.cpp", folder / "libkernel.so"
    source.write_text(SOURCE)
    macros = [f"-DATOM={ATOM}", f"-DSTIFFNESS={STIFFNESS}f", f"-DMEDDLES={int(meddles)}"]
    subprocess.run(
        ["c++", "-shared", "-fPIC", *macros, f"-DFAILS={int(fails)}", "-o", library, source],
        check=True,
    )
    return library


def test_a_bias_and_charges_in_one_run(electrode, strong_model, tmp_path):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model), f"plumed calls.txt kernel {build_kernel(tmp_path)}")
    run = electrode.run("md", steps=19)
    expected = electrode.rerun("md", electrode.charges()).forces
    expected[:, ATOM, 2] -= STIFFNESS * (run.positions[:, ATOM, 2] - 1.0)
    assert deviation(run.forces, expected)[10:].max() < 1e-5
    calls = (electrode.folder / "calls.txt").read_text().split()
    assert calls[0] == "setPlumedDat"
    assert {"setNatoms", "init", "setBox", "prepareCalc", "doCheckPoint"} <= set(calls)
    assert calls.count("performCalc") == 20 and calls[-1] == "finalize"


def test_an_error_of_plumed_stops_the_run_with_its_words(electrode, strong_model, tmp_path):
    electrode.grompp()
    library = build_kernel(tmp_path, fails=True)
    electrode.jobs(charge_line(strong_model), f"plumed calls.txt kernel {library}")
    run = electrode.mdrun("md", steps=19)
    assert run.returncode == 1
    text = " ".join(run.stderr.split())
    assert "PLUMED stopped at performCalc: the bias is undefined" in text


class Pointer(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("shape", ctypes.c_void_p),
        ("flags", ctypes.c_size_t),
        ("opt", ctypes.c_void_p),
    ]


REPORT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Handler(ctypes.Structure):
    _fields_ = [("context", ctypes.c_void_p), ("report", REPORT)]


def ask_kernel(key: str) -> str:
    """Return the kernel's report for one call, made without mdrun."""
    kernel = ctypes.CDLL(str(Path(plugin_folder()) / KERNEL))
    command = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, Pointer, Handler)

    class Table(ctypes.Structure):
        _fields_ = [
            ("version", ctypes.c_int),
            ("create", ctypes.CFUNCTYPE(ctypes.c_void_p)),
            ("cmd", ctypes.c_void_p),
            ("finalize", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
            ("unused", ctypes.c_void_p * 2),
            ("command", command),
        ]

    table = Table.in_dll(kernel, "plumed_symbol_table")
    said: list[str] = []
    handler = Handler(None, REPORT(lambda _, code, words, __: said.append(words.decode())))
    handle = table.create()
    number = ctypes.c_int(4)
    table.command(
        handle, key.encode(), Pointer(ctypes.addressof(number), 0, None, 4, None), handler
    )
    table.finalize(handle)
    return " ".join(said)
