"""What a person says to us, by USSD or SMS, and what we answer: one keystroke or text, one transaction."""
