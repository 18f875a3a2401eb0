"""Input: files, spreadsheets and OpenStreetMap become checked tables."""
