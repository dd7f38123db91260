"""What a production's store would hold after many nights, simulated: records and vectors, with faults planted at known dates."""
