"""Read the handwritten digits with trees. A plain scikit-learn script: nothing here knows fastml.

python examples/forest_digits.py               scikit-learn
python -m fastml examples/forest_digits.py     the same script, the same results, sooner
"""

import time

from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.tree import DecisionTreeClassifier

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
start = time.perf_counter()

print("right answers of 450")
for model in (
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(300, oob_score=True, random_state=0),
    ExtraTreesClassifier(300, random_state=0),
):
    model.fit(X, y)
    print(f"  {type(model).__name__:<24} {(model.predict(X_test) == y_test).sum()}")

forest = RandomForestClassifier(100, random_state=0)
search = GridSearchCV(forest, {"max_features": [4, 8, 16], "min_samples_leaf": [1, 3]}, cv=3).fit(X, y)
print(f"best of 6: {search.best_params_}, {search.best_score_:.4f} in cross-validation")

forest = search.best_estimator_
answers = [int(forest.predict(image.reshape(1, -1))[0]) for image in X_test[:200]]
print(f"200 images, one at a time: {answers[:20]} ...")

importance = permutation_importance(forest, X_test, y_test, n_repeats=3, random_state=0).importances_mean
print(f"the pixels that matter most: {importance.argsort()[::-1][:5]}")

features, progression = load_diabetes(return_X_y=True)
boosting = GradientBoostingRegressor(
    n_estimators=300, learning_rate=0.05, min_samples_leaf=10, subsample=0.5, random_state=0
)
boosting.fit(features, progression)
print(f"boosting on the diabetes data: {boosting.train_score_[-1]:.1f} is left of {progression.var():.1f}")

seconds = time.perf_counter() - start
print(f"{seconds:.2f} s, trees from {type(forest).__module__}")
