// The two inverse functions that the arm's geometry needs, in degrees.

import Foundation

func atan2Degrees(_ opposite: Double, _ adjacent: Double) -> Double { atan2(opposite, adjacent) * 180 / .pi }

func arcCosineDegrees(_ value: Double) -> Double { acos(value) * 180 / .pi }
