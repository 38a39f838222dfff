"""All-atom ion-exchange membranes: polymer, counter-ions, salt and water."""
