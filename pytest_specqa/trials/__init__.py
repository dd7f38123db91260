"""How well the expectations judge: their false alarms and their power, measured on simulations."""
