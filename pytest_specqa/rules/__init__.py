"""What people write down, read strictly: a mistake is one line with file and line number.

`limits_file` reads what a value may be and `limits` looks it up for a unit; `waiver_file` reads which known faults may pass and
`waivers` applies them; `policy` is what a release must satisfy. `expectations` knows where the project's own tests and limits lie.
"""
