//! The Universal Scalability Law fitted to the steps of a search: an annotation beside the answer.
//!
//! Gunther's law gives throughput from concurrency, X(N) = λN / (1 + σ(N - 1) + κN(N - 1)). A step knows its throughput X and
//! its mean latency R, and by Little's law N = X · R. Divided by X the law is a parabola in N,
//! R = ((1 - σ) + (σ - κ)N + κN²) / λ, whose least-squares fit is where the search for the least squares in X begins.

use reports::capacity::{Fit, Step, StepVerdict};

/// Fewer points say nothing about three parameters.
const POINTS: usize = 6;
/// Refinements at most; a fit settles in a handful.
const ROUNDS: usize = 200;

/// The fit, from the steps in which the generator was sound; absent below six different figures, or when nothing fits.
#[must_use]
pub fn usl(steps: &[Step]) -> Option<Fit> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut asked: Vec<f64> = Vec::new();
    for step in steps.iter().filter(|step| matches!(step.verdict, StepVerdict::Held | StepVerdict::Broke)) {
        let (Some(rate), Some(latency)) = (step.achieved, step.latency) else { continue };
        let concurrency = rate * latency.mean.as_secs_f64();
        if rate > 0.0 && concurrency > 0.0 && !asked.contains(&step.asked) {
            asked.push(step.asked);
            points.push((concurrency, rate));
        }
    }
    fit(&points)
}

/// λ, σ and κ.
type Parameters = [f64; 3];

fn fit(points: &[(f64, f64)]) -> Option<Fit> {
    if points.len() < POINTS {
        return None;
    }
    let mut best = bounded(first_guess(points)?);
    let mut error = squares(points, best);
    let mut damping = 1e-3;
    // Levenberg-Marquardt, with the parameters kept where they mean something.
    for _ in 0..ROUNDS {
        let mut normal = [[0.0; 3]; 3];
        let mut gradient = [0.0; 3];
        for &(n, x) in points {
            let slope = slopes(n, best);
            let residual = x - throughput(n, best);
            for row in 0..3 {
                gradient[row] += slope[row] * residual;
                for column in 0..3 {
                    normal[row][column] += slope[row] * slope[column];
                }
            }
        }
        for (place, row) in normal.iter_mut().enumerate() {
            row[place] *= 1.0 + damping;
            row[place] += f64::MIN_POSITIVE;
        }
        let Some(step) = solve(normal, gradient) else { break };
        let next = bounded([best[0] + step[0], best[1] + step[1], best[2] + step[2]]);
        let after = squares(points, next);
        if after < error {
            let settled = error - after <= error * 1e-12;
            (best, error, damping) = (next, after, (damping / 3.0).max(1e-12));
            if settled {
                break;
            }
        } else {
            damping *= 4.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    let mean = points.iter().map(|(_, x)| x).sum::<f64>() / points.len() as f64;
    let variance: f64 = points.iter().map(|(_, x)| (x - mean).powi(2)).sum();
    let [lambda, sigma, kappa] = best;
    let top = ((1.0 - sigma) / kappa).sqrt();
    let peak = (kappa > 0.0 && top.is_finite() && top >= 1.0).then(|| throughput(top, best));
    let fit = Fit {
        lambda,
        sigma,
        kappa,
        points: u32::try_from(points.len()).unwrap_or(u32::MAX),
        r_squared: 1.0 - error / variance,
        peak,
    };
    // JSON knows no infinity.
    [fit.lambda, fit.sigma, fit.kappa, fit.r_squared].iter().all(|value| value.is_finite()).then_some(fit)
}

fn throughput(n: f64, [lambda, sigma, kappa]: Parameters) -> f64 {
    lambda * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
}

/// How the throughput at `n` changes with each parameter.
fn slopes(n: f64, [lambda, sigma, kappa]: Parameters) -> [f64; 3] {
    let below = 1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0);
    let by_sigma = -lambda * n * (n - 1.0) / (below * below);
    [n / below, by_sigma, by_sigma * n]
}

fn squares(points: &[(f64, f64)], parameters: Parameters) -> f64 {
    points.iter().map(|(n, x)| (x - throughput(*n, parameters)).powi(2)).sum()
}

fn bounded([lambda, sigma, kappa]: Parameters) -> Parameters {
    [lambda.max(f64::MIN_POSITIVE), sigma.clamp(0.0, 1.0), kappa.clamp(0.0, 1.0)]
}

/// From the parabola in N through the latencies.
fn first_guess(points: &[(f64, f64)]) -> Option<Parameters> {
    let mut normal = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for &(n, x) in points {
        let powers = [1.0, n, n * n];
        for row in 0..3 {
            right[row] += powers[row] * n / x;
            for column in 0..3 {
                normal[row][column] += powers[row] * powers[column];
            }
        }
    }
    let [a, b, c] = solve(normal, right)?;
    let lambda = 1.0 / (a + b + c);
    let guess = [lambda, 1.0 - a * lambda, c * lambda];
    match guess.iter().all(|value| value.is_finite()) && lambda > 0.0 {
        true => Some(guess),
        // Without contention, from the point with the least concurrency.
        false => {
            let (n, x) = points.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))?;
            Some([x / n, 0.1, 0.001])
        }
    }
}

/// Three linear equations, by Gaussian elimination; absent when they have no single solution.
fn solve(mut rows: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    for pivot in 0..3 {
        let largest = (pivot..3).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs()))?;
        rows.swap(pivot, largest);
        right.swap(pivot, largest);
        if rows[pivot][pivot].abs() < f64::MIN_POSITIVE {
            return None;
        }
        let (above, below) = rows.split_at_mut(pivot + 1);
        for (place, row) in below.iter_mut().enumerate() {
            let factor = row[pivot] / above[pivot][pivot];
            row.iter_mut().zip(&above[pivot]).for_each(|(cell, by)| *cell -= factor * by);
            right[pivot + 1 + place] -= factor * right[pivot];
        }
    }
    let mut found = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| rows[row][column] * found[column]).sum();
        found[row] = (right[row] - known) / rows[row][row];
    }
    found.iter().all(|value| value.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_s_own_parameters_are_found_again() {
        for truth in [[1000.0, 0.05, 0.0004], [250.0, 0.4, 0.01], [90_000.0, 0.01, 0.001]] {
            let concurrency = [0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
            // One part in a thousand of noise, alternating.
            let noisy = concurrency.iter().enumerate().map(|(place, n)| {
                let noise = if place % 2 == 0 { 1.001 } else { 0.999 };
                (*n, throughput(*n, truth) * noise)
            });
            let fit = fit(&noisy.collect::<Vec<_>>()).unwrap();
            let near = |found: f64, truth: f64| (found - truth).abs() <= truth * 0.05;
            assert!(near(fit.lambda, truth[0]) && near(fit.sigma, truth[1]) && near(fit.kappa, truth[2]), "{fit:?}");
            let peak = throughput(((1.0 - truth[1]) / truth[2]).sqrt(), truth);
            assert!(near(fit.peak.unwrap(), peak) && fit.r_squared > 0.999, "{fit:?}, peak {peak}");
        }
    }

    #[test]
    fn five_points_or_one_point_many_times_are_not_fitted() {
        assert!(fit(&[(1.0, 10.0), (2.0, 19.0), (3.0, 27.0), (4.0, 33.0), (5.0, 38.0)]).is_none());
        if let Some(fit) = fit(&[(1.0, 10.0); 8]) {
            assert!(fit.r_squared.is_finite(), "{fit:?}");
        }
    }

    #[test]
    fn what_does_not_follow_the_law_stays_in_its_range() {
        let odd = [(1.0, 100.0), (2.0, 10.0), (3.0, 500.0), (4.0, 1.0), (5.0, 900.0), (6.0, 3.0), (7.0, 2000.0)];
        let fit = fit(&odd).unwrap();
        assert!(fit.lambda > 0.0 && (0.0..=1.0).contains(&fit.sigma) && (0.0..=1.0).contains(&fit.kappa), "{fit:?}");
    }
}
