"""How scenarios of this application are played, and what is observed."""
