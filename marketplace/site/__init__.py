"""What is composed of several parts: home, the demo shelves, the doctor's command."""
