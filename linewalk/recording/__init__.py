"""What stands behind `walk` and `walk_init`: it watches a call and writes down what each line did."""
