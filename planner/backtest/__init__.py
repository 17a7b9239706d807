"""How good forecasts would have been: methods asked job by job, knowing only what was known."""
