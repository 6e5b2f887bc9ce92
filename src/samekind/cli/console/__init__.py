"""What all commands share: options, output, bars, remarks, and extras that are missing."""
