"""Structure factors beside dynasor and freud."""
