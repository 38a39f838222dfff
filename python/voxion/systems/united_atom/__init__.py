"""United-atom ionic surfactants, Nafion and perfluoroalkanes, in water with hydronium, for LAMMPS.

The systems of Dumortier and Mossa (J. Phys. Chem. B 124, 8918 (2020)): `forcefield` reads the
constants from a file (``beads/``), `molecules` says what is bonded to what, `random_start` places
the molecules, and `system` writes the files.
"""
