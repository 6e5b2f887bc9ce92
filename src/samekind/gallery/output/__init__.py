"""What is written of a gallery for people and other programs: contact sheets, tables of rows."""
