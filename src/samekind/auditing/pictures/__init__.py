"""What is wrong with pictures whatever their label: strangers, copies, quality."""
