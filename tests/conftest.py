"""What holds for every test."""

import os

# Read when Powertools is imported, by whichever test comes first.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "order-intake")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "OrderIntake")
os.environ["STAGE"] = "local"  # no test may reach an account, whatever the caller works on
