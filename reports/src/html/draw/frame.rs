//! The size of a drawing and where shares of its plotting area lie.

/// Size and margins in user units, which are pixels where the page is as wide as the drawing.
#[derive(Debug, Clone, Copy)]
pub(in crate::html) struct Frame {
    pub(in crate::html) class: &'static str,
    pub(in crate::html) width: f64,
    pub(in crate::html) height: f64,
    pub(in crate::html) left: f64,
    pub(in crate::html) right: f64,
    pub(in crate::html) top: f64,
    pub(in crate::html) bottom: f64,
}

impl Frame {
    /// The page's width, on a desk and on paper.
    pub(in crate::html) const WIDE: Self =
        Self { class: "wide", width: 1008.0, height: 220.0, left: 62.0, right: 86.0, top: 34.0, bottom: 24.0 };
    /// The page's width, on a phone.
    pub(in crate::html) const NARROW: Self =
        Self { class: "narrow", width: 360.0, height: 220.0, left: 50.0, right: 66.0, top: 34.0, bottom: 24.0 };
    /// One of two beside each other; on a phone alone in its row, with larger letters.
    pub(in crate::html) const HALF: Self =
        Self { class: "half", width: 460.0, height: 170.0, left: 64.0, right: 84.0, top: 34.0, bottom: 26.0 };

    /// The same, of another height.
    pub(in crate::html) const fn tall(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// From shares of the plotting area (0 to 1, upwards) to a place.
    pub(in crate::html) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (width, height) = (self.width - self.left - self.right, self.height - self.top - self.bottom);
        (self.left + x.clamp(0.0, 1.0) * width, self.top + (1.0 - y.clamp(0.0, 1.0)) * height)
    }

    pub(in crate::html) fn floor(&self) -> f64 {
        self.height - self.bottom
    }

    /// About as many labels as stand beside each other on the horizontal axis.
    pub(in crate::html) fn labels(&self) -> f64 {
        if self.width > 500.0 { 10.0 } else { 4.0 }
    }
}
