"""Default settings, apart from what uses them, so that the command line starts quickly."""

# Chosen by validation error on ELECTRODE and on DFTB+ labels: tables in docs/results_charges.md.
# Four widths are as good as six, and four doubles fill one vector register.
WIDTHS = (0.05, 0.15, 0.2, 0.3)  # 1/angstrom
CUTOFF = 14.0  # angstrom
SHELLS = 10  # neighbour shells of a site, the site itself being the first
FOLDS = 10  # of a cross-validation
CURVE_FRAMES = (5, 10, 20, 50, 100)  # of a learning curve
CURVE_REPEATS = 5  # choices of each number of frames
UPDATE_INTERVAL = 5.0  # ps of MD between two updates of charges by a solver
