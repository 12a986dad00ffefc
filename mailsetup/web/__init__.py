"""What every page rests on: session, forms, errors, headers, filters."""
