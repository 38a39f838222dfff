"""Makes voxion's fixes known to a LAMMPS that has no plugin command, through its python command.

python voxion_register input 1 SELF format p file FOLDER/register_fixes.py
python voxion_register invoke

with the folder that `voxion doctor` prints. Needs nothing but Python's own library, since the
Python inside LAMMPS may be another one than that of voxion.
"""

import ctypes
import os

# read now: LAMMPS takes __file__ away when it has read this file
_FOLDER = os.path.dirname(os.path.abspath(__file__))


def voxion_register(lammps):
    """Add the fixes to a LAMMPS, given as the address or the capsule of its handle.

    Returns
    -------
    str
        Why it cannot be done; empty if it is. LAMMPS has printed it as a warning.
    """
    if not isinstance(lammps, int):
        unpack = ctypes.pythonapi.PyCapsule_GetPointer
        unpack.restype, unpack.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
        lammps = unpack(lammps, None)
    add = ctypes.CDLL(os.path.join(_FOLDER, "voxionplugin.so")).voxion_register
    add.restype, add.argtypes = ctypes.c_char_p, (ctypes.c_void_p,)
    return add(lammps).decode()
