"""What happens to rows on their way: samples, SQL, Python, columns, rules, one row of each key, load columns."""
