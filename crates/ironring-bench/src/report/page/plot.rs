//! One plot, drawn twice: for a wide page and for a narrow one.

use std::ops::Range;

use plotters::{
    coord::{
        Shift,
        ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter},
        types::RangedCoordf64,
    },
    prelude::*,
};

use super::identity::{Look, Marker};

/// Points that belong together.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) look: Look,
    /// In the axes' own units.
    pub(super) points: Vec<(f64, f64)>,
}

/// One of the two axes.
pub(super) struct Axis {
    /// What it shows, with the unit.
    pub(super) title: String,
    /// Where the ticks are, and what they say, in the axis' own units.
    pub(super) ticks: Vec<(f64, String)>,
}

/// What is drawn.
pub(super) struct Plot {
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// Where vertical lines are, and what they mean.
    pub(super) marks: Vec<f64>,
}

/// Pixels of a drawing.
type Size = (u32, u32);

/// Stands for the colour of the text around the plot, which is not known here.
const INK: RGBColor = RGBColor(1, 2, 3);
const INK_IN_SVG: &str = "#010203";

impl Plot {
    /// The plot as SVG elements, one of which is shown.
    pub(super) fn svg(&self) -> [String; 2] {
        [("wide", (960, 440)), ("narrow", (350, 310))].map(|(class, size)| {
            let svg = self.draw(size).replace(INK_IN_SVG, "currentColor");
            // The drawing's size in pixels becomes its proportions.
            let drawing = svg.find("<svg ").map_or("", |start| &svg[start + 5..]);
            let title = maud::html! { (self.title) }.into_string();
            format!("<svg class=\"{class}\" role=\"img\" aria-label=\"{title}\" {drawing}")
        })
    }

    /// The series as high as they are in the middle, the highest first.
    pub(super) fn by_height(&self) -> Vec<&Series> {
        let middle =
            |series: &Series| series.points.get(series.points.len() / 2).map_or(f64::MIN, |point| point.1);
        let mut series: Vec<&Series> = self.series.iter().collect();
        series.sort_by(|one, other| middle(other).total_cmp(&middle(one)));
        series
    }

    fn draw(&self, size: Size) -> String {
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        self.draw_on(&root, size).expect("drawing into memory");
        drop(root);
        svg
    }

    fn draw_on<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
        (width, _): Size,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let ink = |size: i32| ("sans-serif", size).into_font().color(&INK);
        let (xs, ys) = (self.xs(), self.ys());
        let mut chart = ChartBuilder::on(root)
            .margin(6)
            .margin_right(28)
            .x_label_area_size(42)
            .y_label_area_size(if width > 500 { 76 } else { 62 })
            .build_cartesian_2d(Ticks::of(&self.x, xs).apart(width - 110), Ticks::of(&self.y, ys.clone()))?;
        chart
            .configure_mesh()
            .x_desc(&self.x.title)
            .y_desc(&self.y.title)
            .axis_desc_style(ink(15))
            .label_style(ink(14))
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for at in &self.marks {
            let line = vec![(*at, ys.start), (*at, ys.end)];
            chart.draw_series(DashedLineSeries::new(line, 3, 3, INK.mix(0.45).into()))?;
        }
        for series in &self.series {
            let style = series.look.colour.stroke_width(2);
            let line = series.points.iter().copied();
            match series.look.dashes {
                None => chart.draw_series(LineSeries::new(line, style))?,
                Some((dash, gap)) => chart.draw_series(DashedLineSeries::new(line, dash, gap, style))?,
            };
            let fill = ShapeStyle { filled: series.look.filled, ..style };
            // A line of many points is a line.
            let marked: &[(f64, f64)] = if series.points.len() > 50 { &[] } else { &series.points };
            for point in marked.iter().copied() {
                match series.look.marker {
                    Marker::Circle => chart.draw_series([Circle::new(point, 3, fill)])?,
                    Marker::Triangle => chart.draw_series([TriangleMarker::new(point, 4, fill)])?,
                    Marker::Square => {
                        let square = Rectangle::new([(-3, -3), (3, 3)], fill);
                        chart.draw_series([EmptyElement::at(point) + square])?
                    }
                    Marker::Cross => chart.draw_series([Cross::new(point, 3, style)])?,
                };
            }
        }
        root.present()
    }

    fn xs(&self) -> Range<f64> {
        range(self.series.iter().flat_map(|series| &series.points).map(|point| point.0), 0.0)
    }

    fn ys(&self) -> Range<f64> {
        range(self.series.iter().flat_map(|series| &series.points).map(|point| point.1), 0.06)
    }
}

/// What holds all `values`, and some more on either side.
fn range(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let margin = if high > low { (high - low) * margin } else { 0.5 };
    low - margin..high + margin
}

/// An axis with the ticks that it was given, of which those in its range are drawn.
struct Ticks {
    range: Range<f64>,
    ticks: Vec<(f64, String)>,
}

impl Ticks {
    fn of(axis: &Axis, range: Range<f64>) -> Self {
        let inside = axis.ticks.iter().filter(|tick| (range.start..=range.end).contains(&tick.0));
        Self { ticks: inside.cloned().collect(), range }
    }

    /// Without those whose texts would touch the one before, on an axis of so many pixels.
    fn apart(mut self, pixels: u32) -> Self {
        let scale = f64::from(pixels) / (self.range.end - self.range.start);
        let mut end = f64::MIN;
        self.ticks.retain(|(at, text)| {
            // As wide as the text's layout takes it to be, and a gap.
            let half = text.chars().count() as f64 * 3.5 + 3.0;
            let fits = at * scale - half >= end;
            end = if fits { at * scale + half } else { end };
            fits
        });
        self
    }
}

impl Ranged for Ticks {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        // Lines between the ticks are for those who cannot choose their ticks.
        let ticks = self.ticks.iter().filter(|_| !hint.weight().allow_light_points());
        ticks.map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == *value);
        tick.map_or_else(String::new, |tick| tick.1.clone())
    }
}
