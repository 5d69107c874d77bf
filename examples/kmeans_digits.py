"""Cluster the handwritten digits. A plain scikit-learn script: nothing here knows fastml.

python examples/kmeans_digits.py               scikit-learn
python -m fastml examples/kmeans_digits.py     the same script, the same results, sooner

With a file name as argument it also saves what it found, as an .npz file.
"""

import sys
import time

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

X, y = load_digits(return_X_y=True)
start = time.perf_counter()

print("clusters  sum of squared distances")
elbow = [KMeans(n_clusters, n_init=4, random_state=0).fit(X).inertia_ for n_clusters in range(2, 21)]
for n_clusters, inertia in zip(range(2, 21), elbow, strict=True):
    print(f"{n_clusters:8}  {inertia:12.2f}")

kmeans = KMeans(n_clusters=10, n_init=20, random_state=0).fit(X)
print(f"KMeans(10): {kmeans.inertia_:.4f} after {kmeans.n_iter_} iterations")
print(f"agreement with the true digits: {adjusted_rand_score(y, kmeans.labels_):.4f} (adjusted Rand index)")

mini = MiniBatchKMeans(n_clusters=10, n_init=10, random_state=0).fit(X)
print(f"MiniBatchKMeans(10): {mini.inertia_:.4f} after {mini.n_steps_} steps")

nearest = [int(kmeans.predict(image.reshape(1, -1))[0]) for image in X[:500]]
print(f"500 images, one at a time: {nearest[:20]} ...")
print(f"mean distance to the nearest centre: {kmeans.transform(X).min(axis=1).mean():.6f}")

seconds = time.perf_counter() - start
if len(sys.argv) > 1:
    np.savez(
        sys.argv[1],
        seconds=seconds,
        made_by=type(kmeans).__module__,
        elbow=elbow,
        labels=kmeans.labels_,
        centres=kmeans.cluster_centers_,
        inertia=kmeans.inertia_,
        mini_labels=mini.labels_,
        mini_centres=mini.cluster_centers_,
        mini_inertia=mini.inertia_,
        nearest=nearest,
    )
