"""How long clients wait, and how often they ask."""

from botocore.config import Config

# Together less than the minute that most functions may run: a function that dies waiting says nothing.
ORDINARY = Config(connect_timeout=3, read_timeout=14, retries={"mode": "standard", "total_max_attempts": 3})

PATIENT_SECONDS = 240
"""How long a patient client waits for an answer; less than the five minutes of the functions that have one."""

PATIENT = Config(connect_timeout=3, read_timeout=PATIENT_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
"""For calls that answer when they are done, such as an operator's function: each is made once."""
