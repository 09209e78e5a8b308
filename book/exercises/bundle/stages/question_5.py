from otter.test_files import test_case

OK_FORMAT = False

name = "question_5"
points = 2

@test_case(points=0.5, hidden=True)
def test_atoms_at_right_angles_from_zero(sparse_step, seed):
    import hidden_stages
    hidden_stages.right_angles(sparse_step, seed)

@test_case(points=0.5, hidden=True)
def test_the_best_code_stays_where_it_is(sparse_step, seed):
    import hidden_stages
    hidden_stages.best_code(sparse_step, seed)

@test_case(points=1, hidden=True)
def test_any_step(sparse_step, seed):
    import hidden_stages
    hidden_stages.any_step(sparse_step, seed)
