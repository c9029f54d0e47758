# SPDX-License-Identifier: BSD-3-Clause
# Rates of a load test over time, as SVG on standard output: gnuplot -e "data='FILE'" -e asked=N
# -e "name='SCENARIO'" plot.gp; rows of FILE: seconds, sent/s, received/s.
set terminal svg size 800,400 dynamic background rgb 'white'
set title name noenhanced
set xlabel 'seconds'
set ylabel 'packets/s'
set yrange [0:*]
set format y '%.0s%c'
set grid
set key bottom right
plot data using 1:2 with lines linewidth 2 title 'sent', \
	data using 1:3 with lines linewidth 2 title 'received', \
	(asked > 0 ? asked : NaN) with lines dashtype 2 title 'asked'
